{{/* Variables of both containers. */}}
{{- define "wirespan.env" -}}
# For every command, so that `kubectl exec … wirespan targets` answers for the agent that runs.
- name: WIRESPAN_CONFIG
  value: /etc/wirespan/wirespan.yaml
- name: NODE_NAME
  valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
- name: NODE_IP
  valueFrom: {fieldRef: {fieldPath: status.hostIP}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: WIRESPAN_PROMETHEUS_LISTEN
  value: {{ printf (ternary "[%s]:%d" "%s:%d" (contains ":" (include "wirespan.address" .))) (include "wirespan.address" .) (int .Values.metrics.port) | quote }}
{{- range $what, $is_on := dict "ENABLED" .Values.kubernetes.enabled "PEERS" .Values.kubernetes.peers }}
{{- if not $is_on }}
- name: WIRESPAN_KUBERNETES_{{ $what }}
  value: "false"
{{- end }}
{{- end }}
{{- with .Values.otlp }}
{{- if .endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .endpoint | quote }}
- name: OTEL_EXPORTER_OTLP_PROTOCOL
  value: {{ .protocol }}
{{- end }}
{{- if .headersSecret.name }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef: {name: {{ .headersSecret.name }}, key: {{ .headersSecret.key }}}
{{- end }}
{{- if .tls.secretName }}
{{- range $variable, $file := dict "CERTIFICATE" .tls.ca "CLIENT_CERTIFICATE" .tls.certificate "CLIENT_KEY" .tls.key }}
{{- if $file }}
- name: OTEL_EXPORTER_OTLP_{{ $variable }}
  value: {{ printf "/etc/wirespan-tls/%s" $file }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Folders of both containers. Not one of the host's, unless a feature needs it. */}}
{{- define "wirespan.volumeMounts" -}}
# The whole folder: a single file (subPath) would never change.
- name: config
  mountPath: /etc/wirespan
  readOnly: true
{{- if .Values.otlp.tls.secretName }}
- name: tls
  mountPath: /etc/wirespan-tls
  readOnly: true
{{- end }}
{{- if .Values.features.propagate }}
# Programs are attached to the root of the control groups, which a container's own view does not have.
- name: cgroup
  mountPath: /sys/fs/cgroup
  readOnly: true
{{- end }}
{{- if .Values.features.profiles }}
- name: bpf
  mountPath: /sys/fs/bpf
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The kubelet asks the pod's address, so the agent listens there; with the host's network both stay on loopback. */}}
{{- define "wirespan.probe" -}}
httpGet:
  path: {{ .path }}
  port: metrics
  {{- $address := include "wirespan.address" .root }}
  {{- if and .root.Values.hostNetwork (not (has $address (list "0.0.0.0" "::"))) }}
  host: {{ $address }}
  {{- end }}
{{- end }}
