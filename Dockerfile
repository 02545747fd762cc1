FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY tools tools
RUN npm ci --no-audit --no-fund
COPY protocol protocol
COPY app app
# What the pages show.
COPY docs/protocol.md docs/client-rules.md docs/client-rules.tr.md docs/
COPY examples/first-chat examples/first-chat
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# The database and the token secret; a named volume takes its owner from here.
RUN mkdir data && chown node:node data
USER node
VOLUME /app/data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8000) + '/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm, so that SIGTERM reaches the server.
CMD ["node", "--max-semi-space-size=8", "--expose-gc", "dist/app/main.js"]
