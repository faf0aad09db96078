# One image for worker and web: the compiled program, what it needs to run, and nothing to build with.
FROM node:22.16.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY scripts/install.mjs scripts/install.mjs
RUN npm install --no-save --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/build.mjs

FROM node:22.16.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm install --omit=dev --no-save --ignore-scripts --no-audit --no-fund

FROM node:22.16.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY docs/schemas docs/schemas
COPY docs/ops-schemas docs/ops-schemas
# The one folder that may be written; a new volume takes over its owner.
RUN mkdir /data && chown 10001:10001 /data
ENV DATA_DIR=/data
USER 10001:10001
EXPOSE 8080 8081
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/coin-predict.js"]
CMD ["serve"]
