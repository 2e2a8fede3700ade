{{/* Settings that docs/operations.md asks of Redis. */}}
{{- define "dragoman.redisConfig" -}}
bind {{ ternary "* -::*" "-::* *" (eq .Values.listenAddress "0.0.0.0") }}
port 6379
dir /data
appendonly yes
appendfsync everysec
save ""
maxmemory {{ .Values.redis.internal.maxmemory }}
maxmemory-policy noeviction
{{- with .Values.redis.internal.extraConfig }}
{{ trim . }}
{{- end }}
include /run/redis/password.conf
{{- end -}}

{{/* An image that is not Dragoman's, so that image.registry and the chart's version do not concern it. */}}
{{- define "dragoman.foreignImage" -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{- if eq .tag "latest" }}{{ fail "The tag \"latest\" tells nobody what runs: name a version in redis.internal.image.tag." }}{{ end -}}
{{ .repository }}:{{ required "redis.internal.image.tag is empty: name a version." .tag }}
{{- end -}}
{{- end -}}
