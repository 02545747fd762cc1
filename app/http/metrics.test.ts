import { describe, expect, it } from 'vitest';
import { listen, startTestServer } from '../../tests/support/http-server.ts';

const TOKEN = 'a-long-metrics-token';

describe('GET /metrics', () => {
  it('gives this machine the metrics as Prometheus reads them', async () => {
    await using server = await startTestServer();
    server.deps.metrics.connections.set(3);
    server.deps.metrics.command('send_message', 'ok', 0.002);
    const answer = await fetch(`http://127.0.0.1:${await listen(server)}/metrics`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    expect(text).toContain('sohbet_connections 3\n');
    expect(text).toContain('sohbet_commands_total{command="send_message",result="ok"} 1\n');
  });

  it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('takes %s for this machine', async (address) => {
    await using server = await startTestServer({ clientAddress: () => address });
    expect((await server.app.inject('/metrics')).statusCode).toBe(200);
  });

  it.each(['192.0.2.1', '10.0.0.1', '::', '::ffff:192.0.2.1', 'fe80::1', '0.0.0.0', '', 'localhost', '127.0.0.1.evil'])(
    'refuses %j',
    async (address) => {
      await using server = await startTestServer({ clientAddress: () => address });
      const answer = await server.app.inject('/metrics');
      expect([answer.statusCode, answer.json().error.code]).toEqual([403, 'FORBIDDEN']);
      expect(answer.body).not.toContain('sohbet_');
    },
  );

  it.each([
    'x-forwarded-for',
    'x-forwarded-proto',
    'x-forwarded-prefix',
    'x-forwarded-host',
    'x-real-ip',
    'forwarded',
    'via',
  ])('does not take a proxy on this machine for the machine: %s', async (name) => {
    await using server = await startTestServer();
    const answer = await server.app.inject({ url: '/metrics', headers: { [name]: '127.0.0.1' } });
    expect(answer.statusCode).toBe(403);
  });

  it.each(['localhost', 'LOCALHOST:8000', '127.0.0.1', '127.0.0.1:8000', '[::1]:8000', '[::1]'])(
    'takes a request for %s for one of this machine',
    async (host) => {
      await using server = await startTestServer();
      expect((await server.app.inject({ url: '/metrics', headers: { host } })).statusCode).toBe(200);
    },
  );

  it.each(['chat.example', 'localhost.evil.example', '127.0.0.1.evil.example', '192.0.2.1:8000', '[::2]:80', '::1'])(
    'takes a request for %j for one through a proxy that adds no header',
    async (host) => {
      await using server = await startTestServer();
      expect((await server.app.inject({ url: '/metrics', headers: { host } })).statusCode).toBe(403);
    },
  );

  it('refuses what a trusted proxy sends without saying for whom', async () => {
    await using server = await startTestServer({ isUnnamed: () => true });
    expect((await server.app.inject('/metrics')).statusCode).toBe(403);
  });

  it('lets the bearer of the token in from anywhere, and nobody else', async () => {
    await using server = await startTestServer({ metricsToken: TOKEN, clientAddress: () => '192.0.2.1' });
    const status = async (authorization?: string) => {
      const headers = authorization === undefined ? {} : { authorization, 'x-forwarded-for': '192.0.2.1' };
      const answer = await server.app.inject({ url: '/metrics', headers });
      if (answer.statusCode === 401) expect(answer.headers['www-authenticate']).toBe('Bearer realm="metrics"');
      return answer.statusCode;
    };
    expect(await status(`Bearer ${TOKEN}`)).toBe(200);
    expect(await status(`bearer  ${TOKEN}`)).toBe(200);
    for (const wrong of [undefined, '', 'Bearer', 'Bearer ', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, TOKEN]) {
      expect(await status(wrong)).toBe(401);
    }
  });

  it('cannot be read by a page of another origin in a browser on this machine', async () => {
    await using server = await startTestServer();
    const answer = await server.app.inject({ url: '/metrics', headers: { origin: 'https://evil.example' } });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});
