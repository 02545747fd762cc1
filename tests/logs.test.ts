import { createConnection } from 'node:net';
import { describe, expect, it } from 'vitest';
import { RawConnection } from '../bench/abuse/raw.ts';
import { connect, TRANSPORTS } from './support/client.ts';
import { deadline } from './support/deadline.ts';
import { prepareServer, type ServerProcess, spawnServer } from './support/process.ts';
import { openRaw } from './support/raw.ts';

const METRICS_TOKEN = 'metrics-token-never-to-be-seen';
const COOKIE = 'cookie-never-to-be-seen';
const PASSWORD = 'password never to be seen';
const CONTENT = 'content never to be seen';
const SECRET = 'token secret never to be seen, of 32 bytes or more';

/** Sends what is refused, and waits for the end of the connection. */
async function refused(url: string, request: string): Promise<void> {
  const raw = new RawConnection(Number(new URL(url).port));
  await raw.write(request);
  await deadline(raw.ended, 'the end of the connection');
  expect(raw.received).toMatch(/^HTTP\/1\.1 4/);
}

describe('the log', () => {
  it('holds no content, password or token, at the most talkative level', async () => {
    await using server = await spawnServer({ LOG_LEVEL: 'trace', METRICS_TOKEN, TOKEN_SECRET: SECRET, DEBUG: 'true' });
    const ada = await connect(server, { username: 'ada-of-the-log' });
    const room = await ada.createRoom({ type: 'private', password: PASSWORD, name: 'room of the log' });
    const said = await ada.say(room, CONTENT);
    await ada.ok('update_message', { message_id: said.id, content: `${CONTENT}, edited` });
    const can = await connect(server, { transport: 'polling', auth: { username: 'can-of-the-log' } });
    const { token } = await can.waitFor('connect_response');
    await can.code('join_room', { room_id: room.id, password: `${PASSWORD}?` });
    await can.ok('join_room', { room_id: room.id, password: PASSWORD });
    await can.code('send_message', { room_id: room.id, content: `${CONTENT}\0` });
    await can.raw('send_message', { room_id: room.id, content: [CONTENT], password: PASSWORD, [PASSWORD]: CONTENT });
    await can.raw(`authenticate ${token}`, { token });
    const back = await connect(server, { auth: { token: ada.me.token } });
    await back.waitFor('connect_response');
    const headers = {
      cookie: `c=${COOKIE}`,
      authorization: `Basic ${COOKIE}`,
      'proxy-authorization': `Basic ${COOKIE}`,
    };
    const broken = await connect(server, { auth: { token: `${token}x` }, headers });
    await broken.waitFor('error');
    const raw = await openRaw(server);
    raw.send(`42["send_message",{"content":"${CONTENT}"`);
    await raw.closed;
    await fetch(`${server.url}/metrics?token=${token}`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
    await fetch(`${server.url}/nothing?password=${encodeURIComponent(PASSWORD)}`, {
      headers: { cookie: `t=${token}` },
    });
    // What is no request, what breaks a limit, and what Engine.IO refuses, each with its headers.
    const secretLines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    for (const line of [
      'GET /%zz',
      'POST /socket.io/?EIO=4&transport=polling',
      'GET /socket.io/?EIO=4&sid=x',
      'NONSENSE /',
    ])
      await refused(server.url, `${line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${secretLines.join('')}\r\n`);
    await ada.ok('sign_out', { everywhere: true });
    await ada.ended();
    await server.kill('SIGTERM');

    const log = server.program.stdout + server.program.stderr;
    const secrets = { COOKIE, PASSWORD, CONTENT, SECRET, METRICS_TOKEN, token, own: ada.me.token };
    for (const [name, secret] of Object.entries(secrets)) {
      expect(log.includes(secret), `${name} stands in the log`).toBe(false);
      expect(log.includes(encodeURIComponent(secret)), `${name} stands in the log, encoded`).toBe(false);
    }
    const signature = token.split('.').at(-1) ?? token;
    expect(log.includes(signature), 'the signature of a token stands in the log').toBe(false);
    const lines = log.split('\n').filter((line) => line.startsWith('{'));
    expect(lines.length).toBeGreaterThan(4);
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  });

  it('tells once of a trusted proxy that does not say for whom it asks, and not because of probes', async () => {
    await using server = await spawnServer({ LOG_LEVEL: 'warn', TRUST_PROXY: '1' });
    const warning = /X-Forwarded-For/g;
    await fetch(`${server.url}/health`);
    await connect(server, { headers: { 'X-Forwarded-For': '192.0.2.1' } });
    expect(server.program.stdout).not.toMatch(warning);
    for (const transport of TRANSPORTS) await connect(server, { transport });
    await server.program.output(warning);
    await server.kill('SIGTERM');
    expect(server.program.stdout.match(warning)).toHaveLength(1);
  });

  it('has a line for a connection and one for a failure', async () => {
    await using server = await spawnServer({ LOG_LEVEL: 'info' });
    const silent = server.program.stdout.split('\n').length;
    const ada = await connect(server, { username: 'ada' });
    ada.close();
    await server.program.output(/connect/i);
    await server.kill('SIGTERM');
    expect(server.program.stdout.split('\n').length).toBeGreaterThan(silent);
  });
});

/** A path of which a few hundred fill a pipe, and all that may wait for it. */
const LONG = 'x'.repeat(15_000);

/** Makes the server log so many long lines, each with {@link LONG} in it. */
async function fillLog({ url }: ServerProcess, lines: number): Promise<void> {
  for (let left = lines; left > 0; left -= 5) {
    const answers = await Promise.all(Array.from({ length: Math.min(left, 5) }, () => fetch(`${url}/${LONG}`)));
    for (const { status } of answers) expect(status).toBe(404);
  }
}

describe('a log that nobody reads', () => {
  it('holds up nothing, and says how much was dropped when it is read again', async () => {
    await using server = await spawnServer({ LOG_LEVEL: 'info' });
    const ada = await connect(server, { username: 'ada' });
    const room = await ada.createRoom();
    server.program.ignore();
    // Half a second a line would be more than a minute.
    const lines = 200;
    await fillLog(server, lines);
    for (let i = 0; i < 10; i++) await ada.say(room, `${i}`);
    server.program.listen();
    const [, told] = await server.program.output(/"dropped":(\d+),"msg":"\d+ lines of the log were dropped/);
    await server.kill('SIGTERM');
    const log = server.program.stdout.split('\n').filter((line) => line.startsWith('{'));
    for (const line of log) expect(() => JSON.parse(line)).not.toThrow();
    expect(log.filter((line) => line.includes(LONG)).length + Number(told)).toBe(lines);
    expect(Number(told)).toBeGreaterThan(0);
    expect(log.filter((line) => line.includes('were dropped'))).toHaveLength(1);
  });

  it('still gets its last lines when it is read at the end', async () => {
    await using server = await spawnServer({ LOG_LEVEL: 'info' });
    server.program.ignore();
    await fillLog(server, 45);
    server.program.kill('SIGTERM');
    server.program.listen();
    expect(await server.program.ended()).toEqual({ code: 0, signal: null });
    expect(server.program.stdout.split(LONG)).toHaveLength(46);
    expect(server.program.stdout.endsWith('}\n')).toBe(true);
  });
});

it('says when no more files can be opened, and serves those who are there', async () => {
  await using server = await prepareServer({ LOG_LEVEL: 'error' });
  await server.start(96);
  const ada = await connect(server, { username: 'ada' });
  const { port } = new URL(server.url);
  const idle = Array.from({ length: 96 }, () => createConnection(Number(port), '127.0.0.1').on('error', () => {}));
  await server.program.output(/no file can be opened: new connections are refused/);
  await ada.createRoom();
  for (const socket of idle) socket.destroy();
  await expect
    .poll(
      () =>
        fetch(server.url).then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: 20_000 },
    )
    .toBe(200);
  expect(server.program.stdout.match(/no file can be opened/g)).toHaveLength(1);
});
