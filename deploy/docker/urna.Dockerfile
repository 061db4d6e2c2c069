# Image urna: api, consumer, jobs and standalone; the command picks. What happens here, step by step: README.md beside it.
ARG DEBIAN_IMAGE=debian:bookworm-slim
ARG NODE_IMAGE=node:24-bookworm-slim

# All packages, by the lockfile. The same lines as in urna-frontend.Dockerfile: whatever is built second finds them done. The manifests come
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

# The packages that run, without those of tests, of the build and of the pages; and of these what is loaded.
FROM packages AS production
COPY scripts/cut-packages.ts scripts/
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --omit=dev \
      -w @urna/api -w @urna/consumer -w @urna/jobs -w @urna/standalone \
 && node scripts/cut-packages.ts node_modules

# Our own code, compiled: the running image checks no types and needs no TypeScript.
FROM packages AS compiled
COPY tsconfig.base.json scripts/cut-packages.ts ./
COPY packages packages
COPY apps apps
RUN npx tsc -b apps/standalone && node cut-packages.ts apps packages \
 && mkdir /out && cp --parents -r package.json apps/*/package.json packages/*/package.json apps/*/dist packages/*/dist /out \
 && rm -r /out/apps/frontend

# Development: the sources are mounted over /app/apps and /app/packages, and a change starts the process again.
FROM packages AS dev
ENV NODE_ENV=development LOG_LEVEL=debug DATA_DIR=/data URNA_SOURCES=1
COPY tsconfig.base.json ./
COPY packages packages
COPY apps apps
COPY deploy/docker/urna/urna /usr/local/bin/urna
RUN mkdir -p /data /exports /secrets /handed-out/urna /handed-out/servers && chown node:node /data /exports /secrets /handed-out/*
USER 1000:1000
EXPOSE 8080 8082 8083
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["urna", "health"]
ENTRYPOINT ["urna"]
CMD ["standalone"]

# What runs: Debian, Node without npm, and /app.
FROM ${DEBIAN_IMAGE} AS urna
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --no-create-home --home-dir /tmp node \
 && mkdir -p /data /exports /secrets /handed-out/urna /handed-out/servers && chown node:node /data /exports /secrets /handed-out/*
COPY --from=packages /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=production /app/node_modules node_modules
COPY --from=pages /app/apps/frontend/dist apps/frontend/dist
COPY --from=compiled /out ./
COPY LICENSE ./
COPY deploy/docker/urna/urna /usr/local/bin/urna
ENV NODE_ENV=production DATA_DIR=/data
USER 1000:1000
EXPOSE 8080 8082 8083
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["urna", "health"]
ENTRYPOINT ["urna"]
CMD ["standalone"]
# Last: they are other ones at each build, and take no time.
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="urna" \
      org.opencontainers.image.description="Self-hosted voting: api, consumer, jobs and standalone" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
