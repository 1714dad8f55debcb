# One image for every app. By default it runs the gateway; the worker is another command:
#   docker run IMAGE node dist/apps/worker/apps/worker/src/main.js
# Both need a Redis, given by REDIS_URL. docker-compose.yml puts all of it together.

FROM node:22.20.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# What the tests need is not installed. Of the rest, more than half is for compilers, browsers and readers; and
# npm brings packages that only others could use, as no app imports them (kafkajs, for a transport of NestJS).
RUN npm ci --omit=dev \
  && rm -rf node_modules/typescript node_modules/@grpc node_modules/kafkajs node_modules/@types \
    node_modules/class-validator/bundles node_modules/class-validator/esm* \
    node_modules/libphonenumber-js/bundle node_modules/libphonenumber-js/es6* \
    node_modules/rxjs/src node_modules/rxjs/dist/bundles node_modules/rxjs/dist/esm* \
    node_modules/bintrees/test node_modules/es-toolkit/dist/browser.* \
  && find node_modules -type f \
    \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.spec.*' -o -iname 'readme*' -o -iname 'changelog*' \) \
    -delete

FROM node:22.20.0-bookworm-slim AS build
WORKDIR /app
# The packages first: they change less often than the sources, so this layer is mostly taken from the cache.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && find dist -type f \( -name '*.map' -o -name '*.d.ts' \) -delete

FROM node:22.20.0-bookworm-slim
ENV NODE_ENV=production
# The same for both apps, each in a container of its own, so that one health check does for both.
ENV SLUICE_ADMIN_PORT=8080
WORKDIR /app
# A volume that is mounted here belongs to the user below; docker-compose.yml keeps API keys in it.
RUN install --directory --owner=node --group=node /keys
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY scripts/make-keys.mjs ./scripts/
COPY --from=build /app/dist ./dist
USER node
EXPOSE 9092 8080
# Ready means that Kafka clients are served. An answer from the admin port on this container's own loopback.
HEALTHCHECK --interval=10s --timeout=10s --start-period=2m --retries=3 CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.SLUICE_ADMIN_PORT}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The flag as in scripts/parts/node-flags.mjs, where it is explained.
CMD ["node", "--min-semi-space-size=16", "dist/apps/gateway/apps/gateway/src/main.js"]
