# syntax=docker/dockerfile:1
# One file for every container of ours:
#
#   docker build --build-arg FUNCTION=query_count .                  a function, with its own packages only
#   docker build --build-arg FUNCTION=query_count --target dev .     the same, started anew when its code changes
#   docker build --build-arg FUNCTION=local --target local .         the router, the emulated sources, the migrations
#
# To update Python, change PYTHON_TAG; the packages follow requirements/*.txt (`./task lock --upgrade`).
ARG PYTHON_TAG=3.11.15-slim-bookworm

FROM python:${PYTHON_TAG} AS base
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app

FROM base AS installer
# Compiled here and trusted as they are: a container that cannot write, and starts often, never compiles.
ENV PYC_INVALIDATION_MODE=UNCHECKED_HASH \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
COPY requirements/bootstrap.txt /build/bootstrap.txt
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore --require-hashes \
    --requirement /build/bootstrap.txt

FROM installer AS packages
ARG FUNCTION
COPY requirements/${FUNCTION}.txt /build/requirements.txt
RUN --mount=type=cache,target=/root/.cache/uv python -m venv --without-pip /venv \
    && uv pip install --python /venv/bin/python --require-hashes --no-build --requirement /build/requirements.txt

FROM packages AS local-code
COPY knative/functions.yaml /app/knative/functions.yaml
COPY docs/openapi.json /app/docs/openapi.json
COPY shared /app/shared
RUN python -m compileall -q --invalidation-mode unchecked-hash /app

FROM packages AS function-code
COPY functions/__init__.py /app/functions/__init__.py
COPY functions/${FUNCTION} /app/functions/${FUNCTION}
COPY knative/functions.yaml /app/knative/functions.yaml
COPY docs/openapi.json /app/docs/openapi.json
COPY shared /app/shared
RUN python -m compileall -q --invalidation-mode unchecked-hash /app

# The app and the browser library, for the router: built with the node of the hash lock, as on a laptop that has none.
FROM installer AS web
COPY requirements/web.txt /build/requirements.txt
RUN --mount=type=cache,target=/root/.cache/uv python -m venv --without-pip /build/node \
    && uv pip install --python /build/node/bin/python --require-hashes --no-build --requirement /build/requirements.txt
WORKDIR /app/web
COPY web/package.json /app/web/package.json
COPY web/package-lock.json /app/web/package-lock.json
RUN --mount=type=cache,target=/root/.npm PATH=/build/node/bin:$PATH npm ci --no-fund --no-audit
COPY web/index.html /app/web/index.html
COPY web/tsconfig.json /app/web/tsconfig.json
COPY web/vite.config.ts /app/web/vite.config.ts
COPY web/vite.sdk.config.ts /app/web/vite.sdk.config.ts
COPY web/public /app/web/public
COPY web/scripts /app/web/scripts
COPY web/src /app/web/src
COPY docs/help /app/docs/help
COPY sdk/javascript/src /app/sdk/javascript/src
RUN PATH=/build/node/bin:$PATH npm run build

FROM base AS runtime
LABEL org.opencontainers.image.title="Sluice" \
      org.opencontainers.image.description="Self-hosted event analytics that scales to zero" \
      org.opencontainers.image.licenses="Apache-2.0"
ARG FUNCTION
# Inside a container every address is its own; what others may reach is decided where it is run.
ENV SLUICE_FUNCTION=${FUNCTION} \
    SLUICE_HOST=0.0.0.0 \
    PORT=8080
RUN install --directory --owner=65532 --group=65532 /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=3s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["python", "-SEc", "import os, http.client as h; c = h.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=2); c.request('GET', '/healthz', headers={'Host': 'localhost'}); raise SystemExit(c.getresponse().status != 200)"]
USER 65532:65532

FROM runtime AS local
COPY --from=packages /venv /venv
COPY --from=local-code /app /app
COPY --from=web /app/web/dist /app/web/dist
CMD ["python", "-m", "shared.local.sources"]

FROM runtime AS function
COPY --from=packages /venv /venv
COPY --from=function-code /app /app
# The shell only puts the name in; the function takes its place and gets the signals.
CMD ["/bin/sh", "-c", "exec python -m shared.function \"$SLUICE_FUNCTION\""]

FROM packages AS dev-packages
COPY requirements/reload.txt /build/reload.txt
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --python /venv/bin/python --require-hashes --no-build --requirement /build/reload.txt

# Mount functions/ and shared/ over /app (docker/dev.yml does).
FROM function AS dev
COPY --from=dev-packages /venv /venv
CMD ["/bin/sh", "-c", "exec watchfiles --filter python \"python -m shared.function $SLUICE_FUNCTION\" /app"]

# What is built where no target is named.
FROM function
