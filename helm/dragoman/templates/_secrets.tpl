{{/* Where a secret variable comes from: {name, key} as JSON, or nothing: (list $ "DRAGOMAN_API_KEYS"). */}}
{{- define "dragoman.secretSource" -}}
{{- $root := index . 0 -}}
{{- $variable := index . 1 -}}
{{- $secrets := $root.Values.secrets -}}
{{- $external := $root.Values.redis.external -}}
{{- $own := printf "%s-secrets" (include "dragoman.fullname" $root) -}}
{{- $from := get $secrets.from $variable -}}
{{- if $from -}}
{{- toJson $from -}}
{{- else if and (eq $variable "DRAGOMAN_REDIS_URL") $external.existingSecret -}}
{{- dict "name" $external.existingSecret "key" $external.existingSecretKey | toJson -}}
{{- else if or (get $secrets.values $variable) (and (eq $variable "DRAGOMAN_REDIS_URL") $external.url) -}}
{{- dict "name" $own "key" $variable | toJson -}}
{{- else if and $secrets.generate (has $variable (list "DRAGOMAN_API_KEYS" "DRAGOMAN_API_VIEWER_TOKEN_SECRET")) -}}
{{- dict "name" $own "key" $variable | toJson -}}
{{- else if $secrets.existingSecret -}}
{{- dict "name" $secrets.existingSecret "key" $variable | toJson -}}
{{- end -}}
{{- end -}}

{{/* The container's entries of secret variables that a process reads: (list $ "api"). */}}
{{- define "dragoman.secretEnv" -}}
{{- $root := index . 0 -}}
{{- $process := index . 1 -}}
{{- $entries := list -}}
{{- $variables := include "dragoman.secretVariables" $root | splitList "\n" | join " " | splitList " " | compact -}}
{{- $proxy := $root.Values.redis.external.masterProxy -}}
{{- $required := list "DRAGOMAN_API_KEYS" "DRAGOMAN_API_VIEWER_TOKEN_SECRET" "DRAGOMAN_REDIS_URL" -}}
{{- range $variable := $variables -}}
{{- if has $process (include "dragoman.readers" $variable | fromJsonArray) -}}
{{- if and (eq $variable "DRAGOMAN_REDIS_URL") $root.Values.redis.internal.enabled -}}
{{- $entries = append $entries (include "dragoman.redisPasswordEnv" (list $root "REDIS_PASSWORD") | fromJson) -}}
{{- $entries = append $entries (dict "name" $variable "value" (printf "redis://:$(REDIS_PASSWORD)@%s-redis:6379/0" (include "dragoman.fullname" $root))) -}}
{{- else if and (eq $variable "DRAGOMAN_REDIS_URL") $proxy.enabled -}}
{{- $password := "" -}}
{{- if $proxy.existingSecret -}}
{{- $password = ":$(REDIS_PASSWORD)@" -}}
{{- $entries = append $entries (include "dragoman.redisPasswordEnv" (list $root "REDIS_PASSWORD") | fromJson) -}}
{{- end -}}
{{- $entries = append $entries (dict "name" $variable "value" (printf "redis://%s%s-redis-master:6379/0" $password (include "dragoman.fullname" $root))) -}}
{{- else -}}
{{- $source := include "dragoman.secretSource" (list $root $variable) -}}
{{- if $source -}}
{{- $reference := fromJson $source -}}
{{- if and (not (has $variable $required)) (eq $reference.name $root.Values.secrets.existingSecret) (not (get $root.Values.secrets.from $variable)) -}}
{{- $_ := set $reference "optional" true -}}
{{- end -}}
{{- $entries = append $entries (dict "name" $variable "valueFrom" (dict "secretKeyRef" $reference)) -}}
{{- else if has $variable $required -}}
{{- include "dragoman.refuse" $variable -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $entries -}}
{{- end -}}

{{/* Ends the rendering with what is missing and the ways to give it. */}}
{{- define "dragoman.refuse" -}}
{{- if eq . "DRAGOMAN_REDIS_URL" -}}
{{- fail "There is no Redis: set redis.internal.enabled=true, or redis.external.existingSecret to a Secret whose key DRAGOMAN_REDIS_URL has the URL." -}}
{{- else -}}
{{- fail (printf "%s is not set, and there is no default for it: set secrets.existingSecret to a Secret with that key, or secrets.values.%s, or secrets.generate=true to have one made." . .) -}}
{{- end -}}
{{- end -}}

{{/* The entry with the password of the chart's own Redis, or of those behind its HAProxy: (list $ "REDIS_PASSWORD"). */}}
{{- define "dragoman.redisPasswordEnv" -}}
{{- $root := index . 0 -}}
{{- $redis := ternary $root.Values.redis.internal $root.Values.redis.external.masterProxy $root.Values.redis.internal.enabled -}}
{{- $reference := dict "name" (printf "%s-secrets" (include "dragoman.fullname" $root)) "key" "redis-password" -}}
{{- if $redis.existingSecret -}}
{{- $reference = dict "name" $redis.existingSecret "key" $redis.existingSecretKey -}}
{{- else if not (or $redis.password $root.Values.secrets.generate) -}}
{{- fail "The password of Redis is not set, and there is no default for it: set redis.internal.existingSecret, or redis.internal.password, or secrets.generate=true to have one made." -}}
{{- end -}}
{{- dict "name" (index . 1) "valueFrom" (dict "secretKeyRef" $reference) | toJson -}}
{{- end -}}
