{{- define "wharfinger.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "wharfinger.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $whole := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $whole .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "wharfinger.namespace" -}}
{{- default .Release.Namespace .Values.namespace -}}
{{- end -}}

{{/* What pods are found by; a release that was made by the chart docker-registry keeps them with nameOverride. */}}
{{- define "wharfinger.selector" -}}
app: {{ include "wharfinger.name" . }}
release: {{ .Release.Name }}
{{- end -}}

{{- define "wharfinger.labels" -}}
{{ include "wharfinger.selector" . }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
heritage: {{ .Release.Service }}
{{- end -}}

{{/* Of (context, labels of the user): theirs win, such as the release that a Prometheus looks for. */}}
{{- define "wharfinger.labelsWith" -}}
{{- $own := include "wharfinger.labels" (index . 0) | fromYaml -}}
{{- merge (dict) (default (dict) (index . 1)) $own | toYaml -}}
{{- end -}}

{{- define "wharfinger.serviceAccount" -}}
{{- if or .Values.serviceAccount.create .Values.serviceAccount.name -}}
{{- default (include "wharfinger.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Values that would mean something else than they say here. */}}
{{- define "wharfinger.refusals" -}}
{{- if ne .Values.storage "filesystem" -}}
{{- fail (printf "storage: %s is not supported; images would be kept elsewhere than you expect" .Values.storage) -}}
{{- end -}}
{{- if .Values.proxy.enabled -}}
{{- fail "proxy.enabled: a pull-through cache is not supported; as an ordinary registry it would take pushes" -}}
{{- end -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) -}}
{{- fail "replicaCount, autoscaling: one process has a data folder open; more than one is not supported" -}}
{{- end -}}
{{- end -}}
