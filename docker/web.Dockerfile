# The live page before the API: nginx serves the page and hands everything else on.
ARG NODE_IMAGE=node:22-trixie-slim
ARG NGINX_IMAGE=nginx:1.28-alpine-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /source/modules/web
ENV npm_config_cache=/var/cache/npm \
    npm_config_audit=false \
    npm_config_fund=false \
    npm_config_update_notifier=false
# The libraries change less often than the page: a layer of their own.
COPY modules/web/package.json modules/web/package-lock.json modules/web/.npmrc ./
COPY modules/web/client/package.json client/package.json
COPY modules/web/types/package.json types/package.json
RUN --mount=type=cache,target=/var/cache/npm \
    npm install --no-save --no-audit --no-fund
COPY modules/web ./
# Goes where the API's copy lies, as vite.config.ts says.
RUN npx --no-install vite build --logLevel warn

FROM ${NGINX_IMAGE} AS web
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1980-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Dragoman web" \
      org.opencontainers.image.description="The live page of Dragoman behind nginx, with the way to the API." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="nginx:1.28-alpine-slim"
COPY docker/nginx.conf /etc/nginx/nginx.conf
COPY --from=build /source/modules/dragoman_orchestration/api/static /srv/page
EXPOSE 8080
STOPSIGNAL SIGQUIT
USER 10001:10001
# The page itself, so that it says nothing of the API; busybox has wget.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"]
ENTRYPOINT ["nginx", "-e", "stderr", "-g", "daemon off;"]
