import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  fastify,
  LogController,
} from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import { assetRoutes } from './assets.ts';
import { errorBody, handleError, handleFrameworkError, handleNotFound } from './errors.ts';
import type { Gate } from './gate.ts';
import { type HealthSource, healthRoutes, isProbe } from './health.ts';
import { metricsRoute } from './metrics.ts';
import { openApiRoutes, registerOpenApi } from './openapi.ts';
import { pageRoutes } from './pages.ts';
import { HELMET } from './security.ts';

/** The parts of the server that the HTTP side shows or asks. */
export interface HttpDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Lets a scraper read `/metrics` from elsewhere; null for this machine only. */
  readonly metricsToken: string | null;
  /** The origins whose pages may read answers, or all. */
  readonly corsOrigins: '*' | readonly string[];
  /** The address of the client, with trusted proxies taken into account. */
  readonly clientAddress: (request: IncomingMessage) => string;
  /** Whether a trusted proxy sent a request and does not say for whom. */
  readonly isUnnamed: (request: IncomingMessage) => boolean;
  readonly health: HealthSource;
  /** What every request passes first. The caller puts it in its place once Socket.IO is attached. */
  readonly gate: Gate;
  /** The version of Sohbet, shown on pages and in the API documents. */
  readonly version: string;
}

/** No route reads a body. */
const BODY_BYTES = 16_384;

/**
 * Zod's compilers, given at the start: Fastify loads its own where it is given none, and nothing would use them. Its type
 * knows only those.
 */
const COMPILERS = {
  buildValidator: () => validatorCompiler,
  buildSerializer: () => serializerCompiler,
} as unknown as NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;

/** The statuses of what Node cannot read as a request; 400 for all else. */
const CLIENT_ERRORS: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** Answers what is not even HTTP, and ends the connection. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = CLIENT_ERRORS[error.code ?? ''] ?? 400;
  const body = JSON.stringify(errorBody(status));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}

/** One line a request, at debug what machines ask for every few seconds. The path only: a query may hold what is nobody's business. */
function logRequests(app: FastifyInstance, clientAddress: HttpDeps['clientAddress']): void {
  app.addHook('onResponse', async (request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const line = {
      method: request.method,
      path,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      client: clientAddress(request.raw),
    };
    if (reply.statusCode >= 500) request.log.warn(line, 'request');
    else if (isProbe(path)) request.log.debug(line, 'request');
    else request.log.info(line, 'request');
  });
}

/**
 * Makes the HTTP side: pages, API documents, health and metrics. It does not listen; Socket.IO is attached to its
 * `server` by the caller.
 */
export function createHttpServer(deps: HttpDeps): FastifyInstance {
  const app = fastify({
    loggerInstance: deps.logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES,
    http: deps.gate.serverOptions,
    frameworkErrors: handleFrameworkError,
    clientErrorHandler: answerClientError,
    schemaController: { compilersFactory: COMPILERS },
  });
  deps.gate.noteRoutes(app.server);
  app.setNotFoundHandler(handleNotFound);
  app.setErrorHandler(handleError);

  logRequests(app, deps.clientAddress);
  app.register(helmet, HELMET);
  app.register(cors, {
    ...(deps.corsOrigins === '*' ? { origin: '*' } : { origin: [...deps.corsOrigins], credentials: true }),
    methods: ['GET', 'HEAD'],
  });
  registerOpenApi(app, deps.version);
  app.register(async (instance) => {
    const routes = instance.withTypeProvider<ZodTypeProvider>();
    pageRoutes(routes, deps.version);
    openApiRoutes(routes);
    healthRoutes(routes, deps.health);
    metricsRoute(routes, deps);
    assetRoutes(routes);
  });
  return app;
}
