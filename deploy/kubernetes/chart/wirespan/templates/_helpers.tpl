{{- define "wirespan.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "wirespan.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "wirespan.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "wirespan.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "wirespan.selectorLabels" -}}
app.kubernetes.io/name: {{ include "wirespan.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "wirespan.labels" -}}
{{ include "wirespan.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "wirespan.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "wirespan.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "wirespan.priorityClassName" -}}
{{- if .Values.priorityClass.create }}
{{- default (include "wirespan.fullname" .) .Values.priorityClass.name }}
{{- else }}
{{- .Values.priorityClass.name }}
{{- end }}
{{- end }}

{{- define "wirespan.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Where it listens: with the host's network nothing but loopback, unless it is asked for. */}}
{{- define "wirespan.address" -}}
{{- default (ternary "127.0.0.1" "0.0.0.0" .Values.hostNetwork) .Values.metrics.address }}
{{- end }}

{{/* The configuration file: what values say, and `config` over it. */}}
{{- define "wirespan.config" -}}
{{- $wirespan := dict }}
{{- if eq .Values.selection "opted-in" }}
{{- $_ := set $wirespan "select" (list "k8s.pod.label.wirespan.io/enabled=true" "k8s.pod.annotation.wirespan.io/enabled=true") }}
{{- end }}
{{- with .Values.features }}
{{- if .propagate }}{{ $_ := set $wirespan "propagate" true }}{{ end }}
{{- if .profiles }}{{ $_ := set $wirespan "profiles" true }}{{ end }}
{{- end }}
{{- $config := dict "file_format" "1.0" "wirespan" $wirespan }}
{{- mergeOverwrite $config (deepCopy .Values.config) | toYaml }}
{{- end }}


{{/* The port of an OTLP endpoint: as written, else that of its scheme. */}}
{{- define "wirespan.collectorPort" -}}
{{- $url := urlParse . }}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" }}
{{- default (ternary "443" "80" (eq $url.scheme "https")) $port }}
{{- end }}
