{{/* What the schema cannot say, or not clearly: each contradiction between values is refused with what to do. */}}
{{- define "lt.checks" -}}
{{- $geoip := .Values.geoip -}}
{{- $needs := dict "secret" $geoip.secret.name "pvc" $geoip.pvc.claimName "bucket" $geoip.bucket.name "image" $geoip.image.reference -}}
{{- $fields := dict "secret" "geoip.secret.name" "pvc" "geoip.pvc.claimName" "bucket" "geoip.bucket.name" "image" "geoip.image.reference" -}}
{{- if and (or (ne .Values.pipeline.mode "none") $geoip.update.enabled) (not (get $needs $geoip.source)) -}}
{{- fail (printf "geoip.source is %s, so set %s (or another geoip.source: secret, pvc, bucket or image): the pipeline needs a database of cities" $geoip.source (get $fields $geoip.source)) -}}
{{- end -}}
{{- if and (ne .Values.pipeline.mode "none") (not $geoip.cityFile) -}}
{{- fail "geoip.cityFile is empty: set it to the file name of the database of cities, such as GeoLite2-City.mmdb" -}}
{{- end -}}
{{- if and (ne .Values.pipeline.mode "none") (eq $geoip.source "image") (semverCompare "<1.33.0-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "geoip.source image needs Kubernetes 1.33 or newer with the feature ImageVolume, and this cluster is %s: use bucket, pvc or secret" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if $geoip.update.enabled -}}
{{- if not (has $geoip.source (list "pvc" "bucket")) -}}
{{- fail (printf "geoip.update writes to a volume claim or a bucket, and geoip.source is %s: set it to pvc or bucket, or geoip.update.enabled to false" $geoip.source) -}}
{{- end -}}
{{- if not $geoip.update.accountSecret -}}
{{- fail "geoip.update.accountSecret is empty: set it to the name of a Secret with MaxMind's account-id and license-key" -}}
{{- end -}}
{{- end -}}
{{- range $block, $scaling := dict "sessionApi" .Values.sessionApi.autoscaling "pipeline.locate" .Values.pipeline.locate.autoscaling -}}
{{- if and $scaling.enabled (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- fail (printf "%s.autoscaling.minReplicas (%d) is above maxReplicas (%d)" $block (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if and (has "pipeline-locate" (include "lt.stages" . | fromJsonArray)) (not .Values.pipeline.locate.userHashKeySecret) -}}
{{- fail (printf "pipeline.mode is %s, so set pipeline.locate.userHashKeySecret to the name of a Secret with the key user-hash-key, the same wherever plays are located: kubectl create secret generic user-hash-key --from-literal=user-hash-key=$(openssl rand -hex 32)" .Values.pipeline.mode) -}}
{{- end -}}
{{- if and .Values.monitoring.alerts (eq .Values.monitoring.type "none") -}}
{{- fail "monitoring.alerts is true, and monitoring.type none: set it to podMonitoring or podMonitor, which says whose alerts they are" -}}
{{- end -}}
{{- $interval := mul (regexFind "^[0-9]+" .Values.monitoring.interval | int) (ternary 60 1 (hasSuffix "m" .Values.monitoring.interval)) -}}
{{- if and .Values.monitoring.alerts (gt $interval 30) -}}
{{- fail (printf "monitoring.alerts is true, and monitoring.interval %s: set it to 30s or less: with more, replicas that are scraped on either side of a minute's end would count as ones that disagree" .Values.monitoring.interval) -}}
{{- end -}}
{{- $exposure := .Values.exposure -}}
{{- if ne $exposure.type "none" -}}
{{- if not .Values.sessionApi.enabled -}}
{{- fail (printf "exposure.type is %s, but sessionApi.enabled is false: there is nothing to expose" $exposure.type) -}}
{{- end -}}
{{- if and (not $exposure.hosts) (or (include "lt.hasIngress" .) $exposure.multiClusterGateway.configCluster) -}}
{{- fail (printf "exposure.type is %s, so set exposure.hosts to the host names that are served" $exposure.type) -}}
{{- end -}}
{{- end -}}
{{- range $part, $values := dict "pipeline" .Values.pipeline "sessionApi" .Values.sessionApi -}}
{{- range $label := list "name" "instance" "component" -}}
{{- $label = printf "app.kubernetes.io/%s" $label -}}
{{- if hasKey $values.podLabels $label -}}
{{- fail (printf "%s.podLabels has %s, by which the chart selects its pods: leave it out" $part $label) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.pipeline.mode "none") (not .Values.sessionApi.enabled) -}}
{{- fail "pipeline.mode is none and sessionApi.enabled is false: nothing would be installed" -}}
{{- end -}}
{{- end -}}
