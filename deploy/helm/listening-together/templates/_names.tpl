{{/* What the names of all objects begin with. */}}
{{- define "lt.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* The parts of the pipeline that run here, as JSON. */}}
{{- define "lt.stages" -}}
{{- $stages := dict
  "all" (list "pipeline")
  "locate+curate" (list "pipeline-locate" "pipeline-curate")
  "locate" (list "pipeline-locate")
  "curate" (list "pipeline-curate")
  "none" list
-}}
{{- get $stages .Values.pipeline.mode | toJson -}}
{{- end -}}

{{/* The parts that run here all the time, as JSON. */}}
{{- define "lt.services" -}}
{{- $parts := include "lt.stages" . | fromJsonArray -}}
{{- if .Values.sessionApi.enabled -}}{{- $parts = append $parts "session-api" -}}{{- end -}}
{{- toJson $parts -}}
{{- end -}}

{{/* Whether there is an Ingress, and whether it is one of GKE's own classes; empty is no. */}}
{{- define "lt.hasIngress" -}}
{{- $exposure := .Values.exposure -}}
{{- if or (eq $exposure.type "ingress") (and (eq $exposure.type "multiClusterGateway") $exposure.ingress.besideGateway) -}}
true
{{- end -}}
{{- end -}}
{{- define "lt.hasGkeIngress" -}}
{{- if has .Values.exposure.ingress.className (list "gce" "gce-internal") -}}{{- include "lt.hasIngress" . -}}{{- end -}}
{{- end -}}

{{/* The values of a part's service account: (list . "session-api"). */}}
{{- define "lt.account" -}}
{{- $accounts := (index . 0).Values.serviceAccounts -}}
{{- $of := dict
  "pipeline" $accounts.pipeline
  "pipeline-locate" $accounts.locate
  "pipeline-curate" $accounts.curate
  "session-api" $accounts.sessionApi
  "geoip-update" $accounts.geoipUpdate
-}}
{{- get $of (index . 1) | toJson -}}
{{- end -}}

{{/* The name of a part: (list . "session-api"). */}}
{{- define "lt.name" -}}
{{- $root := index . 0 -}}{{- $part := index . 1 -}}
{{ include "lt.fullname" $root }}-{{ $part }}
{{- end -}}

{{/* What a part's pods are selected by; it never changes: (list . "session-api"). */}}
{{- define "lt.selector" -}}
{{- $root := index . 0 -}}{{- $part := index . 1 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ $part }}
{{- end -}}

{{/* The labels of a part's objects: (list . "session-api"). */}}
{{- define "lt.labels" -}}
{{- $root := index . 0 -}}
{{ include "lt.selector" . }}
app.kubernetes.io/part-of: listening-together
app.kubernetes.io/version: {{ $root.Values.image.tag | default $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The image of a part: (list . .Values.pipeline.image). */}}
{{- define "lt.image" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}
{{- $name := printf "%s/%s" (trimSuffix "/" $root.Values.image.registry) $image.name -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else -}}
{{ $name }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end -}}
