{{/* What all containers may do: next to nothing. */}}
{{- define "lt.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Who all pods run as. */}}
{{- define "lt.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Where the pods of a part go: (list . "session-api" .Values.sessionApi). */}}
{{- define "lt.scheduling" -}}
{{- $root := index . 0 -}}{{- $part := index . 1 -}}{{- $values := index . 2 -}}
{{- if $root.Values.topologySpread.enabled }}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "lt.selector" (list $root $part) | nindent 8 }}
    # Counts the pods of one roll-out, not those that it replaces.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The environment that both services have in common. */}}
{{- define "lt.commonEnv" -}}
- name: GOOGLE_CLOUD_PROJECT
  value: {{ .Values.project | quote }}
{{- with .Values.pubsub.emulatorHost }}
- name: PUBSUB_EMULATOR_HOST
  value: {{ . | quote }}
{{- end }}
- name: SESSIONS_TOPIC
  value: {{ .Values.pubsub.sessionsTopic | quote }}
- name: LOG_FORMAT
  value: {{ .Values.log.format | quote }}
{{- with .Values.log.filter }}
- name: RUST_LOG
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Where and how a part sends telemetry, as the SDK reads it: (list . "session-api"). */}}
{{- define "lt.otelEnv" -}}
{{- $root := index . 0 -}}{{- $part := index . 1 -}}
{{- $otel := $root.Values.otel -}}
{{- if $otel.endpoint }}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ $otel.endpoint | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ $part | quote }}
{{- $attributes := dict
  "cloud.region" $root.Values.region
  "k8s.namespace.name" $root.Release.Namespace
  "k8s.node.name" "$(NODE_NAME)"
  "k8s.pod.name" "$(POD_NAME)"
  "service.instance.id" "$(POD_NAME)"
  "service.namespace" (include "lt.fullname" $root)
  "service.version" ($root.Values.image.tag | default $root.Chart.AppVersion)
}}
{{- $pairs := list }}
{{- range $name, $value := merge (dict) $otel.resourceAttributes $attributes }}
{{- $pairs = append $pairs (printf "%s=%s" $name $value) }}
{{- end }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: {{ join "," $pairs | quote }}
{{- with $otel.sampler }}
- name: OTEL_TRACES_SAMPLER
  value: {{ . | quote }}
{{- end }}
{{- if ne (toString $otel.samplerArg) "" }}
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ $otel.samplerArg | quote }}
{{- end }}
{{- with $otel.headersSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: headers
{{- end }}
{{- include "lt.settingsEnv" $otel.settings }}
{{- end }}
{{- end -}}

{{/* Settings as environment: .Values.pipeline.settings. */}}
{{- define "lt.settingsEnv" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* The volume of the databases: (list . readOnly). */}}
{{- define "lt.geoipVolume" -}}
{{- $root := index . 0 -}}{{- $readOnly := index . 1 -}}
{{- $geoip := $root.Values.geoip -}}
- name: databases
  {{- if eq $geoip.source "secret" }}
  secret:
    secretName: {{ $geoip.secret.name }}
  {{- else if eq $geoip.source "pvc" }}
  persistentVolumeClaim:
    claimName: {{ $geoip.pvc.claimName }}
    readOnly: {{ $readOnly }}
  {{- else if eq $geoip.source "bucket" }}
  csi:
    driver: gcsfuse.csi.storage.gke.io
    readOnly: {{ $readOnly }}
    volumeAttributes:
      bucketName: {{ $geoip.bucket.name }}
      # Files that belong to the pods' user, who may write some; new editions are seen within a minute.
      mountOptions: implicit-dirs,uid=65532,gid=65532,metadata-cache:ttl-secs:30
  {{- else if eq $geoip.source "image" }}
  image:
    reference: {{ $geoip.image.reference }}
    pullPolicy: {{ $root.Values.image.pullPolicy }}
  {{- end }}
{{- end -}}
