import { setTimeout as sleep } from 'node:timers/promises';
import { clientFrame } from '../load/frames.ts';
import type { Attack, Outcome } from './attacks.ts';
import { openSocket, PollingSession, type RawConnection } from './raw.ts';

/** As many guests as an address may make at once, but the author of the history. */
const GUESTS = 99;

/** How many questions go together, and how long until the next ones, in milliseconds. */
const AT_ONCE = 8;
const EVERY_MS = 400;

/** Messages that fill a page of history: as much as each may hold, of one byte a character, and of four. */
export const HISTORIES = {
  narrow: { content: 'x'.repeat(4_000), count: 66 },
  wide: { content: '\u{1f600}'.repeat(4_000), count: 17 },
};

/** Makes a room whose newest page of history is as large as an answer may be; gives its id. */
export async function makeHistory(
  url: string,
  { content, count }: { content: string; count: number },
): Promise<string> {
  const author = await PollingSession.open(url, { username: `author ${Math.random()}` });
  await author.fetchUntil('42["connect_response"');
  await author.post('421["create_room",{"name":"history"}]');
  const { room } = JSON.parse((await author.fetchUntil('431[')).slice(4, -1)) as { room: { id: string } };
  for (let i = 0; i < count; i++) {
    await author.post(`422${i}["send_message",${JSON.stringify({ room_id: room.id, content })}]`);
    await author.fetchUntil(`432${i}[`);
  }
  return room.id;
}

const address = (port: number) => `http://127.0.0.1:${port}`;

/** The token of a new guest who is a member of the room. */
async function joinedToken(port: number, room_id: string, number: number): Promise<string> {
  const session = await PollingSession.open(address(port), { username: `guest ${number} ${Math.random()}` });
  const response = await session.fetchUntil('42["connect_response"');
  await session.post(`421["join_room",${JSON.stringify({ room_id })}]`);
  await session.fetchUntil('431[');
  await session.close();
  return (JSON.parse(response.slice(2)) as [string, { token: string }])[1].token;
}

const question = (room_id: string) => `42["get_messages",${JSON.stringify({ room_id, limit: 100 })}]`;
const asked = (room_id: string, from: number) =>
  Array.from({ length: AT_ONCE }, (_, i) => question(room_id).replace('42', `42${from + i}`));

/** Opens connections of as many guests as there may be, who are members of the room. */
async function openAll<T>(
  port: number,
  room_id: string,
  count: number,
  open: (token: string) => Promise<T>,
): Promise<T[]> {
  const all: T[] = [];
  const tokens: string[] = [];
  for (let i = 0; i < count; i++) {
    const token = tokens[i % GUESTS] ?? (await joinedToken(port, room_id, i));
    tokens[i % GUESTS] = token;
    all.push(await open(token));
  }
  return all;
}

/** Asks from a session for as long as it lives, and fetches nothing. */
async function deafPolling(port: number, connections: number, ms: number): Promise<Outcome> {
  const room_id = await makeHistory(address(port), HISTORIES.wide);
  const sessions = await openAll(port, room_id, connections, (token) => PollingSession.open(address(port), { token }));
  const until = performance.now() + ms;
  const ask = async (session: PollingSession) => {
    for (let id = 1; performance.now() < until && !session.isEnded; id += AT_ONCE) {
      // An answer to a ping that it has not fetched keeps the session.
      await session.post('3', ...asked(room_id, id));
      await sleep(EVERY_MS);
    }
  };
  await Promise.all(sessions.map(ask));
  const ended = sessions.filter((session) => session.isEnded).length;
  await Promise.all(sessions.map((session) => session.close()));
  return { opened: connections, ended };
}

/** The same over WebSockets that are not read. */
async function deafSockets(port: number, connections: number, ms: number): Promise<Outcome> {
  const room_id = await makeHistory(address(port), HISTORIES.wide);
  const sockets = await openAll(port, room_id, connections, async (token) => {
    const raw = await openSocket(port, false);
    await raw.write(clientFrame(1, `40${JSON.stringify({ token })}`));
    await raw.seen(/42\["rooms_list"/);
    raw.socket.pause();
    return raw;
  });
  const until = performance.now() + ms;
  const ask = async (raw: RawConnection) => {
    for (let id = 1; performance.now() < until && !raw.isEnded; id += AT_ONCE) {
      const frames = ['3', ...asked(room_id, id)].map((packet) => clientFrame(1, packet));
      if (!(await raw.write(Buffer.concat(frames)))) break;
      await sleep(EVERY_MS);
    }
  };
  await Promise.all(sockets.map(ask));
  const ended = sockets.filter((raw) => raw.isEnded).length;
  for (const raw of sockets) raw.destroy();
  return { opened: connections, ended };
}

/** Loads by those who ask for much and never read an answer. */
export const UNREAD_ATTACKS: readonly Attack[] = [
  {
    name: 'unread polling',
    what: 'pages of history asked for over long-polling, never fetched',
    isEnded: false,
    run: deafPolling,
  },
  {
    name: 'unread sockets',
    what: 'the same over WebSockets that are not read',
    isEnded: false,
    run: deafSockets,
  },
];
