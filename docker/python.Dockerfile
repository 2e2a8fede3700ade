# The images of all processes; choose one with `--target api|worker|whisper|whisper-gpu|translation|bots`.
#
# What they install is in docker/requirements, exact and with hashes. The base image is named by its tag, which moves
# to newer patches of Python and Debian; a build that must be the same for ever names it by its digest as well:
# --build-arg PYTHON_IMAGE=python:3.13-slim-trixie@sha256:...
ARG PYTHON_IMAGE=python:3.13-slim-trixie

# --- What builds, and is in no image ---------------------------------------------------------------------------------

FROM ${PYTHON_IMAGE} AS builder
# Compiled files tell their source by its hash, not by its time, so that two builds give the same bytes.
ENV SOURCE_DATE_EPOCH=315532800 \
    PIP_CACHE_DIR=/var/cache/pip \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_PROGRESS_BAR=off \
    PIP_REQUIRE_HASHES=1 \
    PIP_ONLY_BINARY=:all:
COPY docker/requirements /requirements
RUN python3 -m venv --without-pip /opt/dragoman

# The product alone, in an environment of the same shape: its layer is small, and changes more often than the rest.
FROM builder AS product
RUN --mount=type=cache,target=/var/cache/pip \
    python3 -m venv --without-pip /opt/build \
    && python3 -m pip --python /opt/build install -r /requirements/build.txt
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY modules modules
RUN mkdir /wheels \
    && /opt/build/bin/python -c "from poetry.core.masonry.api import build_wheel; build_wheel('/wheels')" \
    && PIP_REQUIRE_HASHES=0 python3 -m pip --python /opt/dragoman install --no-deps --no-index /wheels/*.whl

FROM builder AS api-libraries
RUN --mount=type=cache,target=/var/cache/pip \
    python3 -m pip --python /opt/dragoman install -r /requirements/api.txt

FROM builder AS worker-libraries
RUN --mount=type=cache,target=/var/cache/pip \
    python3 -m pip --python /opt/dragoman install -r /requirements/worker.txt

FROM builder AS whisper-libraries
RUN --mount=type=cache,target=/var/cache/pip \
    python3 -m pip --python /opt/dragoman install -r /requirements/whisper.txt

FROM builder AS whisper-gpu-libraries
RUN --mount=type=cache,target=/var/cache/pip \
    python3 -m pip --python /opt/dragoman install -r /requirements/whisper-gpu.txt

FROM builder AS translation-libraries
RUN --mount=type=cache,target=/var/cache/pip \
    python3 -m pip --python /opt/dragoman install -r /requirements/translation.txt

FROM builder AS bots-libraries
RUN --mount=type=cache,target=/var/cache/pip \
    python3 -m pip --python /opt/dragoman install -r /requirements/bots.txt

# --- What all images have --------------------------------------------------------------------------------------------

FROM ${PYTHON_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1980-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Dragoman" \
      org.opencontainers.image.description="Live transcription and translation that loses no word." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="python:3.13-slim-trixie"
# A volume that is mounted on one of these folders for the first time takes its owner over.
RUN groupadd --gid 10001 dragoman \
    && useradd --uid 10001 --gid 10001 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin dragoman \
    && install -d -o 10001 -g 10001 -m 0750 /models /recordings \
    && install -d /app
COPY docker/healthcheck.py /usr/local/bin/healthcheck.py
# The root may be read-only: nothing is written but to /tmp, /models and /recordings.
ENV PATH=/opt/dragoman/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/models/hub \
    DRAGOMAN_LOG_FORMAT=json
WORKDIR /app
STOPSIGNAL SIGTERM
USER 10001:10001
ENTRYPOINT ["dragoman"]

# --- The images ------------------------------------------------------------------------------------------------------

FROM runtime AS api
COPY --from=api-libraries /opt/dragoman /opt/dragoman
COPY --from=product /opt/dragoman /opt/dragoman
ENV DRAGOMAN_API_HOST=0.0.0.0
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python3", "/usr/local/bin/healthcheck.py", "8080"]
CMD ["api"]

# Audio, config and monitoring workers.
FROM runtime AS worker
COPY --from=worker-libraries /opt/dragoman /opt/dragoman
COPY --from=product /opt/dragoman /opt/dragoman
ENV DRAGOMAN_METRICS_HOST=0.0.0.0 \
    DRAGOMAN_METRICS_PORT=9090
EXPOSE 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python3", "/usr/local/bin/healthcheck.py", "9090"]
CMD ["worker", "audio"]

FROM runtime AS whisper
COPY --from=whisper-libraries /opt/dragoman /opt/dragoman
COPY --from=product /opt/dragoman /opt/dragoman
ENV DRAGOMAN_WHISPER_HOST=0.0.0.0
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python3", "/usr/local/bin/healthcheck.py", "8001"]
CMD ["whisper"]

# CUDA's libraries come from the lock file, the driver from the host (NVIDIA Container Toolkit).
FROM runtime AS whisper-gpu
COPY --from=whisper-gpu-libraries /opt/dragoman /opt/dragoman
COPY --from=product /opt/dragoman /opt/dragoman
ENV DRAGOMAN_WHISPER_HOST=0.0.0.0 \
    DRAGOMAN_WHISPER_PROFILE=gpu \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    LD_LIBRARY_PATH=/opt/dragoman/lib/python3.13/site-packages/nvidia/cublas/lib:/opt/dragoman/lib/python3.13/site-packages/nvidia/cudnn/lib:/opt/dragoman/lib/python3.13/site-packages/nvidia/cuda_nvrtc/lib
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python3", "/usr/local/bin/healthcheck.py", "8001"]
CMD ["whisper"]

FROM runtime AS translation
COPY --from=translation-libraries /opt/dragoman /opt/dragoman
COPY --from=product /opt/dragoman /opt/dragoman
ENV DRAGOMAN_TRANSLATION_HOST=0.0.0.0
EXPOSE 8002
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python3", "/usr/local/bin/healthcheck.py", "8002"]
CMD ["translation"]

# The bots worker and its runners, each in a process of its own; on Kubernetes also the image of runners' Jobs.
FROM runtime AS bots
USER 0:0
# Its version is that of the base image's Debian: a new one comes with a rebuild, as security updates should. Bots have no
# window, so it is the shell without one; and no GPU, so they need no drivers, which would be a quarter of the image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        -o 'Dpkg::Options::=--path-exclude=/usr/lib/*/libLLVM*' \
        -o 'Dpkg::Options::=--path-exclude=/usr/lib/*/libgallium*' \
        -o 'Dpkg::Options::=--path-exclude=/usr/lib/*/libz3*' \
        -o 'Dpkg::Options::=--path-exclude=/usr/share/doc/*' \
        -o 'Dpkg::Options::=--path-exclude=/usr/share/man/*' \
        chromium-headless-shell fonts-dejavu-core tini \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log /var/cache/ldconfig/aux-cache
USER 10001:10001
COPY --from=bots-libraries /opt/dragoman /opt/dragoman
COPY --from=product /opt/dragoman /opt/dragoman
# Chromium's own sandbox needs user namespaces, which container engines refuse: the container is the sandbox.
ENV DRAGOMAN_METRICS_HOST=0.0.0.0 \
    DRAGOMAN_METRICS_PORT=9090 \
    DRAGOMAN_BOT_RUNNER_CHROMIUM=/usr/lib/chromium/chromium-headless-shell \
    DRAGOMAN_BOT_RUNNER_SANDBOX=off \
    XDG_CONFIG_HOME=/tmp/.config \
    XDG_CACHE_HOME=/tmp/.cache
EXPOSE 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python3", "/usr/local/bin/healthcheck.py", "9090"]
# A browser that is killed leaves children: tini collects them.
ENTRYPOINT ["tini", "--", "dragoman"]
CMD ["worker", "bots"]
