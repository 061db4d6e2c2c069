{{/* Of every pod: (list $ "api" UID) */}}
{{- define "urna.pod" -}}
{{- $root := index . 0 -}}
{{- $uid := index . 2 -}}
serviceAccountName: {{ include "urna.serviceAccount" $root }}
automountServiceAccountToken: false
# Kubernetes would set REDIS_PORT=tcp://... and the like by itself.
enableServiceLinks: false
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $uid }}
  runAsGroup: {{ $uid }}
  fsGroup: {{ $uid }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "urna.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* Where it runs: (list $ "api" .Values.api) */}}
{{- define "urna.placement" -}}
{{- $values := index . 2 -}}
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
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Not all on one node, nor in one zone, where there are several. */}}
{{- define "urna.spread" -}}
topologySpreadConstraints:
  {{- $selector := include "urna.selector" . }}
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
  {{- end }}
{{- end -}}

{{/* A change of settings starts pods again, one after the other: (list $ "api") */}}
{{- define "urna.checksum" -}}
checksum/settings: {{ include "urna.settings" . | sha256sum }}
{{- end -}}

{{/* Variables and mounts of a process of ours: (list $ process who) */}}
{{- define "urna.environment" -}}
{{- $root := index . 0 -}}
envFrom:
  - configMapRef:
      name: {{ include "urna.fullname" $root }}-{{ index . 1 }}
env:
  {{- $variables := include "urna.secretVariables" $root | fromYaml }}
  {{- range include "urna.secretFiles" (list $root (index . 2)) | fromJsonArray }}
  - name: {{ get $variables . }}
    value: /secrets/{{ . }}
  {{- end }}
{{- end -}}

{{- define "urna.mounts" -}}
{{- $root := index . 0 -}}
{{- $process := index . 1 -}}
- name: tmp
  mountPath: /tmp
- name: secrets
  mountPath: /secrets
  readOnly: true
{{- if include "urna.mysqlCertificate" $root }}
- name: mysql-certificate
  mountPath: /certificates/mysql
  readOnly: true
{{- end }}
{{- if and (ne $process "jobs") (include "urna.redisCertificate" $root) }}
- name: redis-certificate
  mountPath: /certificates/redis
  readOnly: true
{{- end }}
{{- end -}}

{{- define "urna.volumes" -}}
{{- $root := index . 0 -}}
{{- $process := index . 1 -}}
{{ include "urna.tmp" "32Mi" }}
{{ include "urna.secretVolume" (list $root (index . 2)) }}
{{- with include "urna.mysqlCertificate" $root }}
- name: mysql-certificate
  secret:
    secretName: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- if ne $process "jobs" }}
{{- with include "urna.redisCertificate" $root }}
- name: redis-certificate
  secret:
    secretName: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end }}
{{- end -}}

{{- define "urna.tmp" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ . }}
{{- end -}}

{{/* Only what this container needs, readable by its group: (list $ who) */}}
{{- define "urna.secretVolume" -}}
{{- $root := index . 0 -}}
- name: secrets
  secret:
    secretName: {{ include "urna.secretName" $root }}
    # 0440
    defaultMode: 288
    items:
      {{- range include "urna.secretFiles" . | fromJsonArray }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end -}}

{{- define "urna.mysqlCertificate" -}}
{{- if and (not .Values.mysql.enabled) (eq .Values.mysql.external.tls "secret") }}{{ .Values.mysql.external.caSecret }}{{ end -}}
{{- end -}}

{{- define "urna.redisCertificate" -}}
{{- if and (eq .Values.queue.kind "redis") (not .Values.redis.enabled) (eq .Values.redis.external.tls "secret") }}{{ .Values.redis.external.caSecret }}{{ end -}}
{{- end -}}

{{/* Health of a process with /healthz and /readyz. */}}
{{- define "urna.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: 30
# Whether its loops turn; a server that is away does not make it restart.
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
# Not before the migration is done.
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 3
  timeoutSeconds: 5
  failureThreshold: 2
{{- end -}}
