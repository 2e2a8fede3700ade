{{/* What a schema cannot say: values that do not fit one another. */}}
{{- define "dragoman.validate" -}}
{{- $values := .Values -}}
{{- $enabled := list -}}
{{- range $profile, $own := $values.audio.profiles -}}
{{- if $own.enabled }}{{ $enabled = append $enabled $profile }}{{ end -}}
{{- end -}}
{{- if not (has $values.defaultProfile $enabled) -}}
{{- fail (printf "defaultProfile is %s, but audio.profiles.%s is not enabled; enabled: %s." $values.defaultProfile $values.defaultProfile (join ", " $enabled | default "none")) -}}
{{- end -}}
{{- $external := $values.redis.external -}}
{{- if and $values.redis.internal.enabled (or $external.existingSecret $external.url $external.cluster $external.caSecret $external.masterProxy.enabled) -}}
{{- fail "redis.external is set, but redis.internal.enabled is true: set it to false to use the other Redis." -}}
{{- end -}}
{{- if $external.masterProxy.enabled -}}
{{- if not $external.masterProxy.servers -}}
{{- fail "redis.external.masterProxy.servers is empty: name all Redis servers that Sentinel watches, as host:port." -}}
{{- end -}}
{{- if or $external.existingSecret $external.url $external.cluster -}}
{{- fail "redis.external.masterProxy is for a Redis that Sentinel watches: it gives the URL itself, and is for no cluster." -}}
{{- end -}}
{{- end -}}
{{- $translation := $values.translation -}}
{{- if and $translation.enabled (ne $translation.profile "mock") (not $translation.models) -}}
{{- $given := include "dragoman.merged" (list $values.settings $values.defaults.env ($translation.env | default dict)) | fromJson -}}
{{- if not (or $given.DRAGOMAN_TRANSLATION_MODELS $given.DRAGOMAN_TRANSLATION_APERTIUM_URL $given.DRAGOMAN_TRANSLATION_OPENAI_URL) -}}
{{- fail "translation.enabled needs an engine, or the service is never ready: set translation.models, or DRAGOMAN_TRANSLATION_APERTIUM_URL or DRAGOMAN_TRANSLATION_OPENAI_URL in translation.env." -}}
{{- end -}}
{{- end -}}
{{- if and $values.keda.authenticationRef (not $values.keda.prometheusUrl) -}}
{{- fail "keda.authenticationRef needs keda.prometheusUrl." -}}
{{- end -}}
{{- if and $values.web.enabled (not $values.api.enabled) -}}
{{- fail "web.enabled needs api.enabled: the page speaks to the API." -}}
{{- end -}}
{{- if and $values.bots.enabled (not $values.api.enabled) -}}
{{- fail "bots.enabled needs api.enabled: runners speak to the API." -}}
{{- end -}}
{{- end -}}
