{{/* The capabilities, each with its reason. Without a feature none of its own is there. */}}
{{- define "wirespan.capabilities" -}}
- BPF # loads the kernel programs (bpf)
- PERFMON # lets them be attached, and read memory (bpf)
- SYS_PTRACE # reads /proc/PID/exe, environ, maps and fd of other users' processes: who they are, selectors, names
- DAC_READ_SEARCH # reads files of other users' programs: versions of runtimes, names of services
{{- with .Values.features }}
{{- if .propagate }}
- NET_ADMIN # features.propagate: attaches programs to sockets
{{- end }}
{{- if or .uprobes .listenQueues }}
- SYS_ADMIN # features.uprobes: sets break points in code (perf_event_open); features.listenQueues: enters network namespaces (setns)
{{- end }}
{{- if .oldKernels }}
- SYS_RESOURCE # features.oldKernels: raises the limit of locked memory, which maps count as before Linux 5.11
{{- end }}
{{- end }}
{{- end }}

{{/* Of both containers. */}}
{{- define "wirespan.securityContext" -}}
readOnlyRootFilesystem: true
# Kubernetes gives capabilities to root only. Without CAP_DAC_OVERRIDE and the like, root writes only what root owns.
runAsUser: 0
runAsGroup: 0
{{- if .Values.privileged }}
privileged: true
{{- else }}
privileged: false
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
  add:
    {{- include "wirespan.capabilities" . | nindent 4 }}
seccompProfile:
  {{- toYaml .Values.seccompProfile | nindent 2 }}
{{- if and .Values.appArmorProfile.type (include "wirespan.appArmorField" .) }}
appArmorProfile:
  {{- toYaml .Values.appArmorProfile | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.seLinuxOptions | default (ternary (dict "type" "spc_t") dict .Values.openshift.enabled) }}
seLinuxOptions:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Not empty where appArmorProfile is a field; before Kubernetes 1.30 it is an annotation. */}}
{{- define "wirespan.appArmorField" -}}
{{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}yes{{ end }}
{{- end }}

{{/* The annotation's value. */}}
{{- define "wirespan.appArmorAnnotation" -}}
{{- $words := dict "Unconfined" "unconfined" "RuntimeDefault" "runtime/default" }}
{{- with .Values.appArmorProfile }}
{{- get $words .type | default (printf "localhost/%s" .localhostProfile) }}
{{- end }}
{{- end }}
