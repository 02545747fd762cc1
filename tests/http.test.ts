import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, expect, it } from 'vitest';
import { COMMAND_NAMES, ERROR_CODES, EVENT_NAMES } from '../protocol/index.ts';
import { connect, guest } from './support/client.ts';
import { deadline } from './support/deadline.ts';
import { sharedServer, startServer } from './support/server.ts';

/** Gets a page in a language; gives its text after checking that it is one. */
async function pageOf(url: string, language: string): Promise<string> {
  const response = await fetch(url, { headers: { 'accept-language': language } });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/html/);
  return response.text();
}

/** The addresses that a page loads by itself. */
function assets(page: string): string[] {
  const loaded = page.matchAll(/<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)="([^"]+)"/g);
  return [...loaded].map(([, address]) => address ?? '');
}

describe('over HTTP', () => {
  const server = sharedServer();

  it.each(['/', '/docs'])('%s is written in English and Turkish, as the browser prefers', async (path) => {
    const english = await pageOf(server.url + path, 'en');
    expect(english).toMatch(/<html[^>]* lang="en"/);
    const turkish = await pageOf(server.url + path, 'tr-TR,tr;q=0.9,en;q=0.5');
    expect(turkish).toMatch(/<html[^>]* lang="tr"/);
    expect(turkish).toMatch(/[ğşıİ]/);
    expect(await pageOf(server.url + path, 'en-GB,tr;q=0.3')).toMatch(/<html[^>]* lang="en"/);
    expect(await pageOf(server.url + path, 'fr')).toMatch(/<html[^>]* lang="en"/);
    for (const page of [english, turkish]) for (const name of COMMAND_NAMES) expect(page).toContain(name);
  });

  it('/docs tells every command, event and error code before any script runs', async () => {
    const page = await pageOf(`${server.url}/docs`, 'en');
    for (const name of [...COMMAND_NAMES, ...EVENT_NAMES, ...ERROR_CODES]) expect(page).toContain(name);
    for (const path of ['/health', '/metrics', '/openapi.json']) expect(page).toContain(path);
  });

  it.each(['/', '/docs'])('%s loads nothing from elsewhere, under a strict policy', async (path) => {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(200);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/default-src '(none|self)'/);
    expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline|https?:|\*/);
    const page = await response.text();
    const loaded = assets(page);
    expect(loaded.length).toBeGreaterThan(0);
    for (const address of loaded) {
      expect(address).not.toMatch(/^([a-z]+:)?\/\//);
      const asset = await fetch(new URL(address, response.url));
      expect(asset.status, address).toBe(200);
    }
  });

  it('/openapi.json describes every route, version 3.1', async () => {
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, unknown>;
    };
    expect(document.openapi).toMatch(/^3\.1/);
    const paths = Object.keys(document.paths);
    expect(paths).toEqual(expect.arrayContaining(['/', '/health', '/health/live', '/metrics', '/asyncapi.json']));
    for (const path of paths) {
      const { status } = await fetch(server.url + path);
      expect(status, path).toBe(200);
    }
  });

  it('/asyncapi.json holds every command and event, version 3', async () => {
    const response = await fetch(`${server.url}/asyncapi.json`);
    expect(response.headers.get('content-type')).toMatch(/json/);
    const document = (await response.json()) as { asyncapi: string };
    expect(document.asyncapi).toMatch(/^3\./);
    const text = JSON.stringify(document);
    for (const name of [...COMMAND_NAMES, ...EVENT_NAMES, ...ERROR_CODES]) expect(text).toContain(`"${name}"`);
  });

  it('/health tells how the parts fare, /health/live that it lives', async () => {
    const health = await fetch(`${server.url}/health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toEqual({ status: 'up', services: { api: 'up', socketio: 'up', store: 'up' } });
    const live = await fetch(`${server.url}/health/live`);
    expect(live.status).toBe(200);
    expect(await live.json()).toEqual({ status: 'up' });
  });

  it('answers 404 where there is nothing, without saying more', async () => {
    for (const path of [
      '/nothing',
      '/../../etc/passwd',
      '/docs/../../package.json',
      '/%00',
      '/.env',
      '/data/sohbet.db',
    ]) {
      const response = await fetch(server.url + path);
      expect([400, 404], path).toContain(response.status);
      expect(await response.text()).not.toMatch(/root:|"dependencies"|\bat .*\.ts:\d+/);
    }
    expect((await fetch(`${server.url}/health`, { method: 'POST', body: 'x' })).status).toBeGreaterThanOrEqual(400);
  });
});

describe('/metrics', () => {
  it('counts commands by name and result', async () => {
    await using server = await startServer();
    const ada = await guest(server, 'ada');
    const room = await ada.createRoom();
    for (let i = 0; i < 3; i++) await ada.say(room, 'counted');
    await ada.code('send_message', { room_id: room.id, content: '' });
    for (const name of ['made_up_one', 'made_up_two']) await ada.raw(name, {});
    const response = await fetch(`${server.url}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    const lines = (await response.text()).split('\n');
    const count = (command: string, result: string) => {
      const labels = [`command="${command}"`, `result="${result}"`];
      const line = lines.find((one) => /_total\{/.test(one) && labels.every((label) => one.includes(label)));
      return Number(line?.split(' ').at(-1) ?? 0);
    };
    expect(count('send_message', 'ok')).toBe(3);
    expect(count('send_message', 'INVALID_INPUT')).toBe(1);
    expect(count('create_room', 'ok')).toBe(1);
    expect(lines.join()).not.toContain('made_up');
    expect(lines.some((line) => /^sohbet_connections 1$/.test(line))).toBe(true);
    expect(lines.some((line) => line.startsWith('nodejs_eventloop_lag'))).toBe(true);
  });

  it('is closed to what comes through a proxy, unless it brings the token', async () => {
    await using server = await startServer({ env: { TRUST_PROXY: '1', METRICS_TOKEN: 'let-me-in' } });
    const get = async (headers: Record<string, string>) => (await fetch(`${server.url}/metrics`, { headers })).status;
    const far = { 'x-forwarded-for': '203.0.113.7' };
    expect(await get({})).toBe(401);
    expect(await get({ authorization: 'Bearer let-me-in' })).toBe(200);
    expect(await get(far)).toBe(401);
    expect(await get({ ...far, authorization: 'Bearer let-me-out' })).toBe(401);
    expect(await get({ ...far, authorization: 'Bearer let-me-in' })).toBe(200);
    await server.restart({ env: { TRUST_PROXY: '1' } });
    expect(await get(far)).toBe(403);
    expect(await get({})).toBe(403);
    expect(await get({ ...far, authorization: 'Bearer ' })).toBe(403);
  });
});

it.each([1, 2, 3])('carries a chat through the upgrade from polling to WebSocket, round %i', async () => {
  await using server = await startServer();
  const ada = await connect(server, { transport: ['polling', 'websocket'], username: 'ada' });
  const { engine } = ada.socket.io;
  const { promise, resolve } = Promise.withResolvers<void>();
  engine.on('upgrade', () => resolve());
  if (engine.transport.name === 'websocket') resolve();
  const room = await ada.createRoom();
  const sending = Promise.all(Array.from({ length: 40 }, (_, i) => ada.say(room, `during the upgrade ${i}`)));
  await deadline(promise, 'the upgrade');
  await sending;
  expect(engine.transport.name).toBe('websocket');
  const last = await ada.say(room, 'after the upgrade');
  await ada.waitFor('message', (message) => message.id === last.id);
  expect(ada.all('message').filter((message) => !message.is_system_message)).toHaveLength(41);
});

it('answers in HTTP/1.1 who offers another protocol', async () => {
  await using server = await startServer();
  const { hostname, port } = new URL(server.url);
  const socket = connectTcp(Number(port), hostname);
  socket.write(`GET /health/live HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 200/);
  socket.destroy();
});
