import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Room } from '../protocol/index.ts';
import { ConnectionLost, connect, guest, type TestClient } from './support/client.ts';
import { dataFolder, removeData, testEngine } from './support/data.ts';
import { deadline } from './support/deadline.ts';
import { RunningProgram, type ServerProcess, spawnServer } from './support/process.ts';
import { startServer, testEnv } from './support/server.ts';

const ROOT = join(import.meta.dirname, '..');

/** How the commands of one client ended. */
interface Tally {
  readonly acknowledged: string[];
  readonly refused: string[];
  lost: number;
}

async function flood(client: TestClient, room: Room, tally: Tally): Promise<void> {
  for (let i = 0; client.socket.connected; i++) {
    try {
      const answer = await client.call('send_message', { room_id: room.id, content: `${client.id} ${i}` });
      if (answer.ok) tally.acknowledged.push(answer.message.id);
      else tally.refused.push(answer.error.code);
      if (!answer.ok) return;
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      tally.lost++;
    }
  }
}

/** Stops the server with a signal while four clients send, and checks what became of all they sent. */
async function stopUnderLoad(server: ServerProcess, signal: NodeJS.Signals): Promise<void> {
  const owner = await connect(server, { username: 'owner' });
  const room = await owner.createRoom();
  const clients = await Promise.all(
    (['websocket', 'websocket', 'polling', 'polling'] as const).map((transport) => guest(server, 'client', transport)),
  );
  for (const client of clients) await client.ok('join_room', { room_id: room.id });
  const tally: Tally = { acknowledged: [], refused: [], lost: 0 };
  const floods = clients.flatMap((client) => [flood(client, room, tally), flood(client, room, tally)]);
  await owner.until(() => (owner.all('message').length > 100 ? true : undefined), 'some messages');
  const begun = performance.now();
  expect(await server.kill(signal)).toEqual({ code: 0, signal: null });
  expect(performance.now() - begun).toBeLessThan(10_000);
  await Promise.all(floods);
  await Promise.all([owner, ...clients].map((client) => client.ended()));
  expect(new Set(tally.refused)).toEqual(new Set(tally.refused.length > 0 ? ['UNAVAILABLE'] : []));
  expect(tally.acknowledged.length).toBeGreaterThan(50);

  await server.start();
  const back = await connect(server, { token: owner.me.token });
  const stored = new Set<string>();
  for (let after = 0, more = true; more; ) {
    const page = await back.ok('get_messages', { room_id: room.id, after, limit: 100 });
    for (const message of page.messages) stored.add(message.id);
    after = page.messages.at(-1)?.seq ?? after;
    more = page.has_more;
  }
  expect(tally.acknowledged.filter((id) => !stored.has(id))).toEqual([]);
}

describe('stopping', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s under load answers or ends everything and exits with 0',
    async (signal) => {
      await using server = await spawnServer();
      await stopUnderLoad(server, signal);
    },
  );

  it('exits at once when nobody is there, and with idle connections', async () => {
    await using server = await spawnServer();
    const idle = await connect(server, { username: 'idle' });
    const waiting = await connect(server, { transport: 'polling' });
    const begun = performance.now();
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - begun).toBeLessThan(5_000);
    await Promise.all([idle.ended(), waiting.ended()]);
    await server.start();
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('is not held up by a connection that has asked nothing', async () => {
    await using server = await startServer();
    const silent = connectTcp(server.port, '127.0.0.1');
    await once(silent, 'connect');
    // So that the server has accepted it.
    await (await fetch(`${server.url}/health/live`)).text();
    const ended = once(silent.resume(), 'close');
    await Promise.all([deadline(server.stop(), 'the stop', 8_000), ended]);
  });
});

describe('npm start', () => {
  // An orphan would hold its output open, and the program would not have ended.
  const ended = { code: 0, signal: null };

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'passes %s on, also when it comes twice: clients are sent away, and nothing is left running',
    async (signal) => {
      const folder = await dataFolder();
      await using npm = npmStart(folder);
      const [url] = await npm.output(/http:\/\/[\w.:]+/);
      const client = await connect({ url, track: () => {} }, { username: 'ada' });
      npm.kill(signal);
      npm.kill(signal);
      await client.waitFor('server_closing');
      expect(await npm.ended(15_000)).toEqual(ended);
      expect(client.violations).toEqual([]);
      await removeData(folder);
    },
  );

  // The file of the lock tells when.
  it.runIf(testEngine() === 'sqlite')(
    'leaves nothing running when it is told to stop while the server starts',
    async () => {
      const folder = await dataFolder();
      await using npm = npmStart(folder);
      await npm.output(/> .*start\.js/);
      await vi.waitUntil(() => readdirSync(folder).includes('sohbet.db.lock'), { interval: 2, timeout: 20_000 });
      npm.kill('SIGTERM');
      expect(await npm.ended(15_000)).toEqual(ended);
      await removeData(folder);
    },
  );

  function npmStart(folder: string): RunningProgram {
    const env = testEnv(folder, { npm_config_update_notifier: 'false' });
    return new RunningProgram('npm', ['start'], { cwd: ROOT, env, detached: true });
  }
});

/** How to run a program as process 1 of a namespace of its own; undefined where that is not allowed. */
const UNSHARE = [
  ['--pid', '--fork', '--mount-proc', '--kill-child'],
  ['--pid', '--fork', '--mount-proc', '--kill-child', '--map-root-user'],
].find((args) => {
  try {
    execFileSync('unshare', [...args, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

/** Tells, loaded into a server, when it begins to listen to SIGTERM, and what was in its data folder by then. */
const TELL = `data:text/javascript,
  import { readdirSync, writeSync } from 'node:fs';
  process.on('newListener', (name) => {
    if (name === 'SIGTERM') writeSync(1, 'listens, files: ' + readdirSync('.').length);
  });`;

describe.skipIf(UNSHARE === undefined || testEngine() !== 'sqlite')(
  'a server that is process 1, as in a container',
  () => {
    it.each([
      ['before it has opened its data', () => true],
      ['while it opens its data', (files: string[]) => files.includes('sohbet.db.lock')],
    ])('ends when it is told to %s', async (_, moment) => {
      const folder = await dataFolder();
      const args = [...(UNSHARE ?? []), process.execPath, '--import', TELL, join(ROOT, 'app/main.ts')];
      await using program = new RunningProgram('unshare', args, { cwd: folder, env: testEnv(folder), detached: true });
      await program.output(/listens, files: 0/);
      await vi.waitUntil(() => moment(readdirSync(folder)), { interval: 2, timeout: 20_000 });
      process.kill(Number(readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, 'utf8')), 'SIGTERM');
      expect(await program.ended(15_000)).toEqual({ code: 0, signal: null });
      expect(program.stderr).toBe('');
      await removeData(folder);
    });
  },
);
