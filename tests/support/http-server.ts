import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createMetrics } from '../../app/core/metrics.ts';
import { Gate } from '../../app/http/gate.ts';
import { createHttpServer, type HttpDeps } from '../../app/http/server.ts';

/** An HTTP side for tests, and the log lines it has written. */
export interface TestServer extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly deps: HttpDeps;
  readonly lines: Record<string, unknown>[];
}

/** Opens a real listening socket on loopback and gives its port. */
export async function listen({ app, deps }: TestServer): Promise<number> {
  deps.gate.protect(app.server, { path: '/socket.io/', isCounted: () => false });
  return Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
}

/** Starts the HTTP side without a listening socket; `overrides` replace single dependencies. */
export async function startTestServer(overrides: Partial<HttpDeps> = {}): Promise<TestServer> {
  const lines: Record<string, unknown>[] = [];
  const metrics = createMetrics();
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const deps: HttpDeps = {
    logger,
    metrics,
    metricsToken: null,
    corsOrigins: '*',
    clientAddress: (request) => request.socket.remoteAddress ?? '',
    isUnnamed: () => false,
    gate: new Gate({ limits: null, addressOf: () => '', isUnnamed: () => false, timeoutMs: 10_000, logger, metrics }),
    health: { read: () => ({ status: 'up', services: { api: 'up', socketio: 'up', store: 'up' } }) },
    version: '1.2.3',
    ...overrides,
  };
  const app = createHttpServer(deps);
  await app.ready();
  return { app, deps, lines, [Symbol.asyncDispose]: () => app.close() };
}
