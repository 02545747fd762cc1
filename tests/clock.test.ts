import { statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { connect, type TestClient } from './support/client.ts';
import { openSql } from './support/data.ts';
import { ServerProcess, spawnServer } from './support/process.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const YEAR_MS = 365 * DAY_MS;

/** The variables of a server whose clock can be set; it starts so many milliseconds away from the real one. */
function withClock(shift: number): Record<string, string> {
  const preload = new URL('./checker/preload/clock.ts', import.meta.url);
  return { NODE_OPTIONS: `--import=${preload}`, CLOCK_SHIFT: String(shift) };
}

const spawnWithClock = (shift = 0): Promise<ServerProcess> => spawnServer(withClock(shift));

/** Sets the clock of the server, and waits until it goes by it. */
async function setClock(server: ServerProcess, client: TestClient, shift: number): Promise<void> {
  server.program.write(`clock ${shift}\n`);
  const room = await client.createRoom({ type: 'private' });
  const away = async () => Date.parse((await client.say(room, 'what time is it?')).timestamp) - Date.now() - shift;
  await expect.poll(async () => Math.abs(await away()) < DAY_MS / 4, { timeout: 20_000 }).toBe(true);
  await client.ok('leave_room', { room_id: room.id });
}

/** The names of these rooms, as the list has them. */
async function order(client: TestClient): Promise<string[]> {
  return (await client.ok('get_rooms', {})).rooms.map(({ name }) => name).filter((name) => name.length === 1);
}

it('lists the newest activity first after a day ahead, however the clock comes right', async () => {
  await using server = await spawnWithClock();
  const ada = await connect(server, { username: 'ada' });
  const [a, b, c] = [
    await ada.createRoom({ name: 'a' }),
    await ada.createRoom({ name: 'b' }),
    await ada.createRoom({ name: 'c' }),
  ];
  await setClock(server, ada, DAY_MS);
  await ada.say(c, 'ahead');
  await ada.say(b, 'ahead, later');
  expect(await order(ada)).toEqual(['b', 'c', 'a']);
  await setClock(server, ada, 0);
  await ada.say(a, 'right again');
  expect(await order(ada)).toEqual(['a', 'b', 'c']);

  await setClock(server, ada, DAY_MS);
  await ada.say(a, 'ahead once more');
  await ada.say(c, 'ahead once more');
  await server.kill('SIGKILL');
  // It starts with the right clock.
  await server.start();
  const back = await connect(server, { token: ada.me.token });
  expect(await order(back)).toEqual(['c', 'a', 'b']);
  await back.say(b, 'right again');
  expect(await order(back)).toEqual(['b', 'c', 'a']);
});

it('shows nobody as seen in the future', async () => {
  await using server = await spawnWithClock();
  const ada = await connect(server, { username: 'ada' });
  const room = await ada.createRoom();
  await setClock(server, ada, YEAR_MS);
  const can = await connect(server, { username: 'can' });
  await can.ok('join_room', { room_id: room.id });
  await setClock(server, ada, 0);
  const seen = async () => {
    const { users } = await ada.ok('get_users', { room_id: room.id });
    return users.flatMap(({ connected_at, last_activity }) => [Date.parse(connected_at), Date.parse(last_activity)]);
  };
  expect(Math.max(...(await seen()))).toBeLessThan(Date.now() + DAY_MS);
  can.close();
  await ada.waitFor('user_disconnected', ({ user_id }) => user_id === can.id);
  expect(Math.max(...(await seen()))).toBeLessThan(Date.now() + DAY_MS);
});

/** What holds for a program that came to this machine within the last year. */
const isNew = Date.now() - statSync(new URL('../package.json', import.meta.url)).mtimeMs < YEAR_MS / 2;

/** How long ago the user who was not seen for the longest was seen. */
async function longestUnseen(server: ServerProcess): Promise<number> {
  await using sql = await openSql(server);
  const [row] = await sql.all<{ at: number }>('SELECT min(seen_at) AS at FROM users');
  return Date.now() - Number(row?.at);
}

it.runIf(isNew)('makes tokens that are good once a clock that was five years back is right', async () => {
  await using server = await spawnWithClock(-5 * YEAR_MS);
  const ada = await connect(server, { username: 'ada' });
  const can = await connect(server, { username: 'can' });
  await setClock(server, ada, 0);
  await connect(server, { token: ada.me.token });
  await server.kill('SIGKILL');

  await using right = new ServerProcess(server.folder, {});
  await right.start();
  for (const { me } of [ada, can]) {
    const back = await connect(right, { token: me.token });
    expect(back.me.user.username).toBe(me.user.username);
  }
  expect(await longestUnseen(right)).toBeLessThan(YEAR_MS / 2 + DAY_MS);
});

it('takes nobody for long unseen, and no token for old, since the clock was back for a while', async () => {
  await using server = await spawnServer();
  const ada = await connect(server, { username: 'ada' });
  await connect(server, { username: 'can' });
  await server.kill('SIGTERM');
  await using back = new ServerProcess(server.folder, withClock(-5 * YEAR_MS));
  await back.start();
  const { me } = await connect(back, { token: ada.me.token });
  await back.kill('SIGTERM');
  expect(await longestUnseen(server)).toBeLessThan(DAY_MS);
  await server.start();
  await connect(server, { token: me.token });
});
