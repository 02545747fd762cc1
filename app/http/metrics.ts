import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import { z } from 'zod';
import type { Metrics } from '../core/metrics.ts';
import type { HttpApp } from './app.ts';
import { HttpError, sendError } from './errors.ts';
import { summarized } from './openapi.ts';

/** The metrics, and who may read them. */
export interface MetricsAccess {
  readonly metrics: Metrics;
  /** The bearer token that lets a scraper in from elsewhere; null lets nobody in from elsewhere. */
  readonly metricsToken: string | null;
  /** The address of the client, with trusted proxies taken into account. */
  readonly clientAddress: (request: IncomingMessage) => string;
  /** Whether a trusted proxy sent a request and does not say for whom. */
  readonly isUnnamed: (request: IncomingMessage) => boolean;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Headers that only a proxy adds: with one of them, a loopback address is the proxy's, not the client's. */
const PROXY_HEADERS = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-real-ip',
  'forwarded',
  'via',
];

const isLoopback = (address: string) => LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

/**
 * Whether a request names this machine as its host. A proxy on it that adds no header hands on what its client asked
 * for, and so does a browser on it whose page got its name to lead here.
 */
function asksLoopback({ host = '' }: IncomingHttpHeaders): boolean {
  const name = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(host);
  const [, v6, other = ''] = name ?? [];
  return isLoopback(v6 ?? other) || /^localhost$/i.test(other);
}

/** Whether the request comes from this machine itself, and not through a proxy on it. */
function isLocal(request: IncomingMessage, { clientAddress, isUnnamed }: MetricsAccess): boolean {
  const { headers } = request;
  if (PROXY_HEADERS.some((name) => headers[name] !== undefined) || isUnnamed(request)) return false;
  return asksLoopback(headers) && isLoopback(clientAddress(request));
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Whether an `Authorization` header bears the token; takes as long for a near miss as for a far one. */
function bearsToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

/** Adds `GET /metrics`. */
export function metricsRoute(app: HttpApp, access: MetricsAccess): void {
  app.get(
    '/metrics',
    {
      // A page in a browser on this machine comes from loopback too: it must not read the answer.
      config: { cors: false },
      schema: {
        ...summarized({ en: 'Metrics for Prometheus', tr: 'Prometheus için ölçümler' }),
        description: 'From the machine itself, or from anywhere with `Authorization: Bearer` and the `METRICS_TOKEN`.',
        tags: ['operation'],
        security: [{ metricsToken: [] }, {}],
        response: {
          200: { content: { 'text/plain': { schema: z.string() } }, description: 'Prometheus text format.' },
          401: HttpError.describe('The token is missing or wrong.'),
          403: HttpError.describe('Only this machine may read them: there is no token.'),
        },
      },
    },
    async (request, reply) => {
      const { metricsToken: token } = access;
      const allowed =
        isLocal(request.raw, access) || (token !== null && bearsToken(request.headers.authorization, token));
      if (!allowed) {
        if (token === null) return sendError(request, reply, 403);
        return sendError(request, reply.header('www-authenticate', 'Bearer realm="metrics"'), 401);
      }
      const text = await access.metrics.registry.metrics();
      return reply.header('cache-control', 'no-store').type(access.metrics.registry.contentType).send(text);
    },
  );
}
