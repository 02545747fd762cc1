import { describe, expect, it } from 'vitest';
import { openSocket } from '../bench/abuse/raw.ts';
import { clientFrame } from '../bench/load/frames.ts';
import { LIMITS } from '../protocol/index.ts';
import { guest, unique } from './support/client.ts';
import { deadline } from './support/deadline.ts';
import { openPolling, openRaw, openSession } from './support/raw.ts';
import { sharedServer } from './support/server.ts';

describe('below the protocol', () => {
  const server = sharedServer();

  /** The server still serves others. */
  async function alive(): Promise<void> {
    const witness = await guest(server, 'witness');
    const room = await witness.createRoom();
    expect((await witness.say(room, 'fine')).seq).toBe(2);
    witness.close();
  }

  it.each([
    ['no JSON', '42{['],
    ['no event name', '42[]'],
    ['a number for a name', '42[5,{}]'],
    ['null for a name', '42[null]'],
    ['an object for a name', '42[{"a":1}]'],
    ['no list', '42"text"'],
    ['a reserved name', '42["disconnect",{}]'],
    ['another reserved name', '42["newListener",{}]'],
    ['an unknown packet type', '49["x"]'],
    ['an unknown Engine.IO type', '9'],
    ['an empty frame', ''],
    ['a huge id', `42${'9'.repeat(400)}["get_rooms"]`],
    ['an answer to what was never asked', '437[{}]'],
    ['a binary event with no attachment', '451-["get_rooms",{"_placeholder":true,"num":0}]'],
    ['a billion attachments', '45999999999-["get_rooms",{"_placeholder":true,"num":0}]'],
    ['a placeholder out of range', '450-["get_rooms",{"_placeholder":true,"num":7}]'],
    ['a second connect', '40'],
    ['another namespace', '40/admin,'],
    ['an event for another namespace', '42/admin,["get_rooms"]'],
  ])('answers or ends the connection, and lives on, when a frame holds %s', async (_, frame) => {
    const raw = await openRaw(server, { username: unique('raw') });
    raw.send(frame);
    if (frame.startsWith('45')) raw.send(new Uint8Array([1, 2, 3]));
    raw.send('427["get_users"]');
    await raw.endedOr('437[');
    raw.terminate();
    await alive();
  });

  it('ends a connection that enters the namespace twice at once', async () => {
    const raw = await openSocket(Number(new URL(server.url).port), false);
    await raw.write(Buffer.concat([clientFrame(1, '40'), clientFrame(1, '40')]));
    await deadline(raw.ended, 'the end');
    const session = await openSession(server);
    await fetch(session, { method: 'POST', body: '40\u001e40' });
    const statuses: number[] = [];
    while (statuses.length < 5 && statuses.at(-1) !== 400) statuses.push((await fetch(session)).status);
    expect(statuses.at(-1)).toBe(400);
    await alive();
  });

  it('answers with a callback whose id is 0', async () => {
    const raw = await openRaw(server, { username: unique('raw') });
    raw.send('420["get_rooms",{"mine":true}]');
    expect(await raw.frame('430[')).toBe('430[{"ok":true,"rooms":[],"next":null}]');
    raw.terminate();
  });

  it('refuses JSON of any depth that a packet can hold', async () => {
    const raw = await openRaw(server, { username: unique('raw') });
    const deep = (LIMITS.packet_bytes - 200) / 2;
    raw.send(`421["get_rooms",${'['.repeat(deep)}${']'.repeat(deep)}]`);
    if (!(await raw.endedOr('431['))) expect(await raw.frame('431[')).toContain('"INVALID_INPUT"');
    const other = await openRaw(server, { username: unique('raw') });
    other.send(`421["get_rooms",${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}]`);
    if (!(await other.endedOr('431['))) expect(await other.frame('431[')).toContain('"INVALID_INPUT"');
    await alive();
  });

  it('measures depth as the limit says: 8 levels pass that gate, 9 do not', async () => {
    const raw = await openRaw(server, { username: unique('raw') });
    const refusal = async (id: number, depth: number) => {
      raw.send(`42${id}["get_rooms",{"after":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}]`);
      const frame = await raw.frame(`43${id}[`);
      expect(frame).toContain('"INVALID_INPUT"');
      return frame.slice(3);
    };
    const deepest = await refusal(1, LIMITS.json_depth);
    expect(deepest).toBe(await refusal(2, 3));
    const over = await refusal(3, LIMITS.json_depth + 1);
    expect(over).toBe(await refusal(4, 100));
    expect(over).not.toBe(deepest);
    raw.terminate();
  });

  it('takes a packet of 64 KiB and ends the connection at one byte more', async () => {
    const start = '421["get_rooms",{"query":"';
    const end = '"}]';
    const frame = (bytes: number) => start + 'x'.repeat(bytes - start.length - end.length) + end;
    const fits = await openRaw(server, { username: unique('raw') });
    fits.send(frame(LIMITS.packet_bytes));
    expect(await fits.frame('431[')).toContain('"field":"query"');
    fits.terminate();
    const over = await openRaw(server, { username: unique('raw') });
    over.send(frame(LIMITS.packet_bytes + 1));
    expect(await over.endedOr('431[')).toBe(true);
    await alive();
  });

  it('refuses an oversized post over long-polling', async () => {
    const session = await openPolling(server);
    const status = await fetch(session, {
      method: 'POST',
      body: `42["get_rooms",{"query":"${'x'.repeat(70_000)}"}]`,
    }).then(
      (response) => response.status,
      () => 0,
    );
    expect(status).not.toBe(200);
    await alive();
  });

  it('refuses what is no packet over long-polling, and a session that it does not know', async () => {
    const session = await openPolling(server);
    const bad = await fetch(session, { method: 'POST', body: 'zzz' });
    expect([200, 400]).toContain(bad.status);
    const unknown = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling&sid=nonsense`);
    expect(unknown.status).toBe(400);
    const old = await fetch(`${server.url}/socket.io/?EIO=2&transport=polling`);
    expect(old.status).toBe(400);
    await alive();
  });

  it('survives clients that vanish in the middle of commands', async () => {
    const witness = await guest(server, 'witness');
    const room = await witness.createRoom();
    for (let i = 0; i < 10; i++) {
      const raw = await openRaw(server, { username: unique('raw') });
      raw.send(`421["join_room",{"room_id":"${room.id}"}]`);
      raw.send(`422["send_message",{"room_id":"${room.id}","content":"and gone"}]`);
      raw.terminate();
    }
    await alive();
    const marker = await witness.say(room, 'marker');
    await witness.waitFor('message', (message) => message.id === marker.id);
  });
});
