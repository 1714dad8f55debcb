# The gateway alone; it needs a Redis, given by REDIS_URL. docker-compose.yml puts both together.

FROM node:22.20.0-bookworm-slim AS build
WORKDIR /app
# The packages first: they change less often than the sources, so this layer is mostly taken from the cache.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:22.20.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
EXPOSE 9092
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["node", "-e", \
  "require('net').connect(process.env.SLUICE_PORT || 9092, 'localhost').once('connect', () => process.exit(0)).once('error', () => process.exit(1))"]
# The flag as in scripts/parts/node-flags.mjs, where it is explained.
CMD ["node", "--min-semi-space-size=16", "dist/apps/gateway/apps/gateway/src/main.js"]
