{{/* Short enough that the name of a pod, and with it that of a consumer, stays under 64 characters. */}}
{{- define "urna.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 32 | trimSuffix "-" -}}
{{- else if contains "urna" .Release.Name -}}
{{- .Release.Name | trunc 32 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-urna" (.Release.Name | trunc 27 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* name and namespace of an object: (list $ "api") */}}
{{- define "urna.metadata" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $component := last . -}}
name: {{ include "urna.fullname" $root }}-{{ $name }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "urna.labels" (list $root $component) | nindent 2 }}
{{- end -}}

{{- define "urna.labels" -}}
{{- $root := index . 0 -}}
{{ include "urna.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: urna
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end -}}

{{/* What never changes for a pod of a component. */}}
{{- define "urna.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: urna
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* A digest wins over a tag: (list $ .Values.image) */}}
{{- define "urna.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $tag := include "urna.scalar" ($image.tag | default $root.Values.image.tag | default $root.Chart.AppVersion) -}}
{{- if $image.digest -}}
image: {{ printf "%s@%s" $image.repository $image.digest | quote }}
{{- else -}}
image: {{ printf "%s:%s" $image.repository $tag | quote }}
{{- end }}
imagePullPolicy: {{ $image.pullPolicy }}
{{- end -}}

{{- define "urna.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "urna.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "urna.secretName" -}}
{{- .Values.secrets.existing | default (printf "%s-secrets" (include "urna.fullname" .)) -}}
{{- end -}}

{{/* Behind the names of jobs. */}}
{{- define "urna.suffix" -}}
{{- include "urna.scalar" (.Values.jobs.suffix | default .Release.Revision) | trunc 12 | trimSuffix "-" -}}
{{- end -}}

{{/*
How many: (list $ "api" .Values.api). With autoscaling as many as there are now, or an upgrade would take away what a crowd had brought;
where nobody can be asked, the fewest.
*/}}
{{- define "urna.replicas" -}}
{{- $root := index . 0 -}}
{{- $values := index . 2 -}}
{{- if $values.autoscaling.enabled -}}
{{- $now := lookup "apps/v1" "Deployment" $root.Release.Namespace (printf "%s-%s" (include "urna.fullname" $root) (index . 1)) -}}
replicas: {{ dig "spec" "replicas" $values.autoscaling.minReplicas $now }}
{{- else -}}
replicas: {{ $values.replicas }}
{{- end -}}
{{- end -}}

{{/* What the Ingress, and pages elsewhere, call the api: the load balancer or the apis themselves. */}}
{{- define "urna.entry" -}}
{{- ternary "load-balancer" "api" .Values.loadBalancer.enabled -}}
{{- end -}}

{{/* Whole numbers come out of values as floating ones, and large ones would be written 2e+06. */}}
{{- define "urna.scalar" -}}
{{- if kindIs "float64" . -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}
