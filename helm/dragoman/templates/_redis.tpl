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

{{/*
HAProxy before the servers of a Redis that Sentinel watches. Whoever says that it is master gets all connections; those
to one that says so no more are closed, so that the processes come back to the new one. While two say so, which is until
Sentinel has told the old one, nobody gets any.
*/}}
{{- define "dragoman.masterProxyConfig" -}}
{{- $proxy := .Values.redis.external.masterProxy -}}
global
    log stdout format raw local0 notice
    maxconn 8192

defaults
    mode tcp
    log global
    timeout connect 3s
    timeout check 2s
    # A worker that waits for entries sends nothing meanwhile.
    timeout client 1h
    timeout server 1h
    option clitcpka
    option srvtcpka

resolvers names
    parse-resolv-conf
    hold valid 5s

frontend redis
    bind {{ ternary "0.0.0.0" "[::]" (eq .Values.listenAddress "0.0.0.0") }}:6379
    tcp-request connection reject if { nbsrv(master) gt 1 }
    default_backend master

backend master
    balance first
    option tcp-check
    tcp-check connect
    {{- if $proxy.existingSecret }}
    tcp-check send "AUTH ${REDIS_PASSWORD}\r\n"
    tcp-check expect string +OK
    {{- end }}
    # The server closes after it: what has not said "master" by then is none, without a wait for more.
    tcp-check send "INFO replication\r\nQUIT\r\n"
    tcp-check expect string role:master
    default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions resolvers names init-addr libc,none
    {{- range $i, $server := $proxy.servers }}
    server redis-{{ $i }} {{ $server }} check
    {{- end }}

frontend face
    mode http
    bind {{ ternary "0.0.0.0" "[::]" (eq .Values.listenAddress "0.0.0.0") }}:8404
    timeout client 10s
    http-request return status 200 if { path /health }
    http-request return status 200 if { path /ready } { nbsrv(master) eq 1 }
    http-request return status 503
{{- end -}}
