import { describe, expect, it } from 'vitest';
import { startTestServer } from '../../tests/support/http-server.ts';
import type { Health } from './health.ts';

const UP: Health = { status: 'up', services: { api: 'up', socketio: 'up', store: 'up' } };

describe('GET /health', () => {
  it.each<[number, Health]>([
    [200, UP],
    [200, { status: 'degraded', services: { ...UP.services, store: 'degraded' }, culprit: 'store' }],
    [503, { status: 'down', services: { ...UP.services, store: 'down' }, culprit: 'store' }],
  ])('answers %d with what the source says', async (status, health) => {
    await using server = await startTestServer({ health: { read: () => health } });
    const answer = await server.app.inject('/health');
    expect([answer.statusCode, answer.json()]).toEqual([status, health]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  });

  it('reads the source anew for each request', async () => {
    let health = UP;
    await using server = await startTestServer({ health: { read: () => health } });
    expect((await server.app.inject('/health')).statusCode).toBe(200);
    health = { ...UP, status: 'down', culprit: 'store' };
    expect((await server.app.inject('/health')).statusCode).toBe(503);
  });
});

describe('GET /health/live', () => {
  it('answers whatever the source says', async () => {
    const read = () => {
      throw new Error('the store is gone');
    };
    await using server = await startTestServer({ health: { read } });
    const answer = await server.app.inject('/health/live');
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'up' }]);
  });
});
