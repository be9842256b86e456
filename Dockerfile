# syntax=docker/dockerfile:1
# One image for web, worker and beat. Three stages, so that neither Node nor build tools are shipped.
# To build from a mirror, or from images that are fixed by their digest:
#   docker compose build --build-arg PYTHON_IMAGE=registry.example.com/python:3.13-slim-trixie@sha256:…
ARG NODE_IMAGE=node:22-trixie-slim
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${NODE_IMAGE} AS front-end
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM ${PYTHON_IMAGE} AS base
ENV PATH=/app/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=servicedesk.settings \
    NODE_MODULES=/app/node_modules \
    FONT_DIR=/app/fonts \
    STATIC_ROOT=/app/static-files \
    MEDIA_ROOT=/data/media \
    SEAL_KEY_DIR=/data/seal
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        fonts-dejavu-core libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
        ca-certificates postgresql-common \
    # For `backup`: pg_dump must not be older than the server, and Debian's is.
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install -y --no-install-recommends postgresql-client-18 \
    && apt-get purge -y --autoremove postgresql-common \
    && rm -rf /var/lib/apt/lists/* /etc/apt/sources.list.d/pgdg.sources
WORKDIR /app

FROM base AS build
# The packages of pyproject.toml in the versions, and with the hashes, of the lock; no test tools.
COPY pyproject.toml requirements.lock ./
RUN python -m venv venv \
    && sed -n '/^uv==/,/^    # via/p' requirements.lock > uv.txt \
    && venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r uv.txt \
    && venv/bin/uv pip install --no-cache --compile-bytecode --require-hashes \
        -r pyproject.toml -c requirements.lock \
    && venv/bin/pip uninstall --yes uv pip
COPY --from=front-end /app/node_modules node_modules
COPY deploy/make_fonts.py deploy/
RUN python deploy/make_fonts.py node_modules fonts
COPY . .
# These values only let the settings load; nothing of them stays in the image.
RUN export SECRET_KEY=build-build-build-build-build-build-build-build-build \
        DATABASE_URL=postgres://build@localhost/build \
    && python manage.py catalogue compile \
    && python manage.py collectstatic --no-input \
    && mkdir --parents icons/@tabler/icons \
    && mv node_modules/@tabler/icons/icons icons/@tabler/icons/ \
    && rm -r node_modules uv.txt \
    && mv icons node_modules

FROM base
# A new volume takes over who owns these folders, and who may look into them.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin servicedesk \
    && install --directory --owner=servicedesk --group=servicedesk --mode=0750 /data /data/media \
    && install --directory --owner=servicedesk --group=servicedesk --mode=0700 /data/seal
COPY --from=build /app /app
USER 10001
ENV HOME=/tmp
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "servicedesk.wsgi", "--config", "deploy/gunicorn.py", "--bind", "0.0.0.0:8000", \
     "--workers", "3", "--threads", "4", "--worker-tmp-dir", "/dev/shm", \
     "--max-requests", "5000", "--max-requests-jitter", "500", "--no-control-socket"]
