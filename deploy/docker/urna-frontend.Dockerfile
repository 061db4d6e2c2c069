# Image urna-frontend: nginx with the built pages, or in front of the apis. What happens here, step by step: README.md beside it.
ARG DEBIAN_IMAGE=debian:bookworm-slim
ARG NGINX_IMAGE=nginx:1.30-trixie
ARG NODE_IMAGE=node:24-bookworm-slim

# All packages, by the lockfile. The same lines as in urna.Dockerfile: whatever is built second finds them done. The manifests come
# first and alone, so that a change of a source file installs nothing again.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY apps/api/package.json apps/api/
COPY apps/consumer/package.json apps/consumer/
COPY apps/frontend/package.json apps/frontend/
COPY apps/jobs/package.json apps/jobs/
COPY apps/standalone/package.json apps/standalone/
COPY packages/contracts/package.json packages/contracts/
COPY packages/core/package.json packages/core/
COPY packages/database/package.json packages/database/
COPY packages/queue/package.json packages/queue/
COPY packages/runtime/package.json packages/runtime/
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

# The pages, as static files.
FROM packages AS pages
COPY tsconfig.base.json ./
COPY packages/contracts packages/contracts
COPY apps/frontend apps/frontend
RUN npm run build --silent -w @urna/frontend -- --logLevel warn

# nginx sends the .gz files as they are; those of Brotli it does not know.
FROM pages AS served
RUN find apps/frontend/dist -name '*.br' -delete

# What Prometheus reads nginx's numbers with, from Debian.
FROM ${DEBIAN_IMAGE} AS exporter
WORKDIR /exporter
RUN apt-get update \
 && cd /tmp && apt-get download prometheus-nginx-exporter \
 && dpkg-deb -x prometheus-nginx-exporter_*.deb /tmp/package \
 && cp /tmp/package/usr/bin/prometheus-nginx-exporter /tmp/package/usr/share/doc/prometheus-nginx-exporter/copyright /exporter

# Development: Vite with hot reload. The sources are mounted over /app/apps/frontend/src and /app/packages.
FROM packages AS dev
ENV API_PROXY=http://api:8080
COPY tsconfig.base.json ./
COPY packages/contracts packages/contracts
COPY apps/frontend apps/frontend
# Vite keeps here what it made of packages.
RUN mkdir -p node_modules/.vite apps/frontend/node_modules && chown -R node:node node_modules/.vite apps/frontend/node_modules
USER 1000:1000
WORKDIR /app/apps/frontend
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "/app/node_modules/vite/bin/vite.js", "--host", "0.0.0.0", "--port", "8000", "--strictPort"]

# What runs.
FROM ${NGINX_IMAGE} AS urna-frontend
COPY --from=exporter /exporter/prometheus-nginx-exporter /usr/local/bin/prometheus-nginx-exporter
COPY --from=exporter /exporter/copyright /usr/share/doc/prometheus-nginx-exporter/copyright
COPY LICENSE /usr/share/urna/LICENSE
COPY deploy/nginx/*.template /etc/urna/templates/
COPY --from=served /app/apps/frontend/dist /usr/share/urna/pages
COPY deploy/docker/urna-frontend/urna-frontend /usr/local/bin/urna-frontend
# Where the pages find the api, unless the container is given another address.
ARG API_URL=
ENV API_URL=${API_URL}
USER 101:101
EXPOSE 8000 8001 8002 8080 8443
# nginx ends its last requests first, and then itself.
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["urna-frontend", "health"]
ENTRYPOINT ["urna-frontend"]
CMD []
# Last: they are other ones at each build, and take no time.
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="urna-frontend" \
      org.opencontainers.image.description="Self-hosted voting: nginx with the pages, or in front of the apis" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
