{{/*
Settings of docs/configuration.md: what the chart knows, then what the person sets. Secrets are not here: see urna.secretFiles.
(list $ "api"), "consumer" or "jobs"; YAML of a map of texts.
*/}}
{{- define "urna.settings" -}}
{{- $root := index . 0 -}}
{{- $process := index . 1 -}}
{{- $v := $root.Values -}}
{{- $name := include "urna.fullname" $root -}}
{{- $all := dict "NODE_ENV" "production" "MIGRATION_WAIT_SECONDS" $v.jobs.waitSeconds -}}
{{- $_ := set $all "PORT" (get (dict "api" 8080 "consumer" 8082 "jobs" 8083) $process) -}}

{{- $_ := set $all "DB_USER" $v.mysql.user -}}
{{- $_ := set $all "DB_DATABASE" $v.mysql.database -}}
{{- if $v.mysql.enabled -}}
  {{- $_ := set $all "DB_HOST" (printf "%s-mysql-primary" $name) -}}
  {{- $_ := set $all "DB_PORT" 3306 -}}
{{- else -}}
  {{- $_ := set $all "DB_HOST" $v.mysql.external.host -}}
  {{- $_ := set $all "DB_PORT" $v.mysql.external.port -}}
  {{- if ne $v.mysql.external.tls "off" -}}
    {{- $_ := set $all "DB_TLS" (ternary "/certificates/mysql/ca.crt" "on" (eq $v.mysql.external.tls "secret")) -}}
  {{- end -}}
{{- end -}}
{{- if ne $process "consumer" -}}
  {{- if and $v.mysql.enabled $v.mysql.replica.enabled -}}
    {{- $_ := set $all "DB_REPLICA_HOST" (printf "%s-mysql-replica" $name) -}}
    {{- $_ := set $all "DB_REPLICA_PORT" 3306 -}}
  {{- else if and (not $v.mysql.enabled) $v.mysql.external.replicaHost -}}
    {{- $_ := set $all "DB_REPLICA_HOST" $v.mysql.external.replicaHost -}}
    {{- $_ := set $all "DB_REPLICA_PORT" $v.mysql.external.replicaPort -}}
  {{- end -}}
{{- end -}}

{{- if ne $process "jobs" -}}
  {{- $_ := set $all "QUEUE" $v.queue.kind -}}
  {{- if eq $v.queue.kind "sqs" -}}
    {{- $_ := set $all "AWS_REGION" $v.sqs.region -}}
    {{- $_ := set $all "SQS_QUEUE" $v.sqs.queue -}}
    {{- $_ := set $all "SQS_KIND" $v.sqs.queueKind -}}
    {{- if $v.sqs.endpoint }}{{ $_ := set $all "SQS_ENDPOINT" $v.sqs.endpoint }}{{ end -}}
  {{- else -}}
    {{- $_ := set $all "REDIS_STREAMS" $v.redis.streams -}}
    {{- if $v.redis.enabled -}}
      {{- $_ := set $all "REDIS_HOST" (printf "%s-redis" $name) -}}
      {{- $_ := set $all "REDIS_PORT" 6379 -}}
    {{- else -}}
      {{- $_ := set $all "REDIS_HOST" $v.redis.external.host -}}
      {{- $_ := set $all "REDIS_PORT" $v.redis.external.port -}}
      {{- if $v.redis.external.user }}{{ $_ := set $all "REDIS_USER" $v.redis.external.user }}{{ end -}}
      {{- if ne $v.redis.external.tls "off" -}}
        {{- $_ := set $all "REDIS_TLS" (ternary "/certificates/redis/ca.crt" "on" (eq $v.redis.external.tls "secret")) -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
{{- end -}}

{{- if eq $process "api" -}}
  {{- with include "urna.publicUrl" $root }}{{ $_ := set $all "PUBLIC_URL" . }}{{ end -}}
  {{- with include "urna.allowedOrigins" $root }}{{ $_ := set $all "ALLOWED_ORIGINS" . }}{{ end -}}
  {{- with $v.api.trustedProxies }}{{ $_ := set $all "TRUSTED_PROXIES" (join "," .) }}{{ end -}}
{{- end -}}
{{- if eq $process "jobs" -}}
  {{- $_ := set $all "EXPORT_DIR" "/exports" -}}
  {{- $_ := set $all "EXPORT_KEEP" $v.csv.keep -}}
  {{- /* Nothing is kept there: with a database server it is only where secrets would be written that nobody gave. */ -}}
  {{- $_ := set $all "DATA_DIR" "/tmp" -}}
{{- end -}}

{{- $known := $root.Files.Get "files/settings.yaml" | fromYaml -}}
{{- range $where, $given := dict "settings" $v.settings (printf "%s.settings" $process) (index $v $process).settings -}}
  {{- range $setting, $value := $given -}}
    {{- $row := get $known $setting -}}
    {{- if not $row -}}
      {{- fail (printf "%s.%s: there is no setting of this name. docs/configuration.md lists them" $where $setting) -}}
    {{- else if $row.secret -}}
      {{- fail (printf "%s.%s: this is a secret, and values are read by many. Put it into a Secret, and name that in secrets.existing" $where $setting) -}}
    {{- else if $row.chart -}}
      {{- fail (printf "%s.%s: the chart sets this by itself: %s" $where $setting $row.chart) -}}
    {{- else if has $process $row.processes -}}
      {{- $_ := set $all $setting $value -}}
    {{- else if ne $where "settings" -}}
      {{- fail (printf "%s.%s: %s does not read this setting, but %s. Put it there, or into settings" $where $setting $process (join ", " $row.processes)) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- range $setting, $value := $all }}
{{ $setting }}: {{ include "urna.scalar" $value | quote }}
{{- end }}
{{- end -}}

{{- define "urna.frontHost" -}}
{{- if .Values.ingress.enabled }}{{ .Values.ingress.hosts.front | default .Values.ingress.hosts.vote }}{{ end -}}
{{- end -}}

{{- define "urna.publicUrl" -}}
{{- $host := include "urna.frontHost" . -}}
{{- if .Values.api.publicUrl -}}
{{- .Values.api.publicUrl -}}
{{- else if $host -}}
{{- printf "%s://%s" (ternary "https" "http" .Values.ingress.tls.enabled) $host -}}
{{- end -}}
{{- end -}}

{{- define "urna.allowedOrigins" -}}
{{- if .Values.api.allowedOrigins -}}
{{- join "," .Values.api.allowedOrigins -}}
{{- else if and .Values.frontend.enabled (not .Values.ingress.enabled) (not .Values.frontend.apiUrl) -}}
http://localhost:8000
{{- end -}}
{{- end -}}

{{/* Empty: at the pages' own address. */}}
{{- define "urna.apiUrl" -}}
{{- if .Values.frontend.apiUrl -}}
{{- .Values.frontend.apiUrl -}}
{{- else if not .Values.ingress.enabled -}}
http://localhost:8080
{{- end -}}
{{- end -}}

{{/* The file of each secret, as `urna make-secrets` calls it, and the variable that says where it is. */}}
{{- define "urna.secretVariables" -}}
master-key: MASTER_KEY_FILE
admin-token: ADMIN_TOKEN_FILE
admin-password: ADMIN_PASSWORD_FILE
database-password: DB_PASSWORD_FILE
database-root-password: REPLICATION_ADMIN_PASSWORD_FILE
replication-password: REPLICATION_PASSWORD_FILE
redis-password: REDIS_PASSWORD_FILE
aws-access-key: AWS_ACCESS_KEY_FILE
aws-secret-key: AWS_SECRET_KEY_FILE
{{- end -}}

{{/* The secrets that a container may read, and no others: JSON list. (list $ "api") */}}
{{- define "urna.secretFiles" -}}
{{- $root := index . 0 -}}
{{- $who := index . 1 -}}
{{- $v := $root.Values -}}
{{- $queue := list -}}
{{- if and (eq $v.queue.kind "redis") (or $v.redis.enabled $v.redis.external.password) }}{{ $queue = list "redis-password" }}{{ end -}}
{{- if and (eq $v.queue.kind "sqs") $v.sqs.keysInSecret }}{{ $queue = list "aws-access-key" "aws-secret-key" }}{{ end -}}
{{- $files := dict
  "api" (concat (list "master-key" "admin-token" "database-password") $queue)
  "consumer" (concat (list "master-key" "database-password") $queue)
  "migration" (list "master-key" "admin-token" "admin-password" "database-password")
  "replication" (list "database-password" "database-root-password" "replication-password")
  "csv" (list "database-password")
  "mysql-primary" (list "database-root-password" "database-password")
  "mysql-replica" (list "database-root-password")
  "redis" (list "redis.conf" "redis-password")
-}}
{{- get $files $who | toJson -}}
{{- end -}}

{{- define "urna.redisConfig" -}}
port 6379
dir /data
# On disk before it answers: what the api tells a voter rests on these two.
appendonly yes
appendfsync always
save ""
# Full means refused, never that a ballot is thrown away.
maxmemory {{ .Values.redis.maxMemory }}
maxmemory-policy noeviction
# The password.
include /secrets/redis.conf
{{- end -}}
