import { describe, expect, it } from 'vitest';
import type { Room } from '../protocol/index.ts';
import { ConnectionLost, connect, guest, type TestClient } from './support/client.ts';
import { type ServerProcess, spawnServer } from './support/process.ts';

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
});
