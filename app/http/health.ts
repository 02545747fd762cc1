import { z } from 'zod';
import type { HttpApp } from './app.ts';
import { summarized } from './openapi.ts';

/** How a part of the server fares: `degraded` works in part (the store can be read, but not written or not all of it). */
const ServiceState = z
  .enum(['up', 'degraded', 'down'])
  .describe('`degraded`: works in part; the store can be read, but not written or not all of it.');

/** Why the store is not up. */
const REASONS = [
  'locked',
  'full',
  'read_only',
  'away',
  'io',
  'damaged',
  'unopened',
  'overloaded',
  'no_answer',
  'other',
] as const;

/** The answer of `/health`. */
export const Health = z.object({
  status: ServiceState,
  services: z.object({
    api: ServiceState.describe('HTTP.'),
    socketio: ServiceState.describe('Socket.IO.'),
    store: ServiceState.describe('The database.'),
  }),
  culprit: z.enum(['api', 'socketio', 'store']).optional().describe('Which service is at fault, when one is.'),
  reason: z
    .enum(REASONS)
    .optional()
    .describe(
      'Why: the database cannot be reached, another process holds the lock, the disk is full, read-only or failing, a part of the database is damaged, ' +
        'its file cannot be opened, too much is waiting, no answer came in time, or what the log says.',
    ),
});

/** See the schema of the same name. */
export type ServiceState = z.infer<typeof ServiceState>;
/** See the schema of the same name. */
export type Health = z.infer<typeof Health>;

/** Where the HTTP side reads how the server fares. */
export interface HealthSource {
  /** The result of the last probe. Must not wait for anything. */
  read(): Health;
}

const STATUS_CODES = { up: 200, degraded: 200, down: 503 } as const satisfies Record<ServiceState, number>;

const PROBES: ReadonlySet<string> = new Set(['/health', '/health/live', '/metrics']);

/** Whether a path is one that tells how the server fares, which machines ask for every few seconds. */
export const isProbe = (path: string): boolean => PROBES.has(path);

const Live = z.object({ status: z.literal('up') });

/** Adds `GET /health` and `GET /health/live`. */
export function healthRoutes(app: HttpApp, source: HealthSource): void {
  app.get(
    '/health',
    {
      schema: {
        ...summarized({ en: 'How the server fares', tr: 'Sunucunun durumu' }),
        description: 'Whether it can serve, by the last probe. For load balancers: take the node out on 503.',
        tags: ['operation'],
        response: { 200: Health.describe('Up, or degraded.'), 503: Health.describe('Down; `culprit` says why.') },
      },
    },
    (_request, reply) => {
      const health = source.read();
      reply.header('cache-control', 'no-store').code(STATUS_CODES[health.status]).send(health);
    },
  );

  app.get(
    '/health/live',
    {
      schema: {
        ...summarized({ en: 'Whether the process turns', tr: 'Süreç işliyor mu' }),
        description:
          'Answers while the event loop turns, whatever the store does. For supervisors: restart on no answer.',
        tags: ['operation'],
        response: { 200: Live.describe('Alive.') },
      },
    },
    (_request, reply) => {
      reply.header('cache-control', 'no-store').send({ status: 'up' });
    },
  );
}
