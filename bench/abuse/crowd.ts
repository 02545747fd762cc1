import { join } from 'node:path';
import { createIds } from '../../app/core/id.ts';
import { createLogger } from '../../app/core/logger.ts';
import { createMetrics } from '../../app/core/metrics.ts';
import { createTokens } from '../../app/services/token.ts';
import { openSqliteStore } from '../../app/stores/sqlite/store.ts';
import type { Store } from '../../app/stores/store.ts';

/** How much is put into a database. */
export interface CrowdOptions {
  readonly rooms: number;
  /** Messages of one room, each of them edited. */
  readonly messages: number;
}

/** A database full of rooms, and who and what there is to measure with. */
export interface Crowd {
  /** `TOKEN_SECRET` of a server that takes the tokens. */
  readonly secret: string;
  /** Tokens of users who are members of so many rooms. */
  readonly tokens: ReadonlyMap<number, string>;
  /** A public room whose messages have all been edited, and one with 100 messages that are as long as can be. */
  readonly edited: string;
  readonly long: string;
}

/** How many rooms the users of {@link Crowd} are members of. */
export const MEMBERSHIPS = [10, 1_000, 10_000] as const;

const OWNED = 1_000;
const AT_ONCE = 5_000;
const MONTH_MS = 30 * 86_400_000;
/** Names that are as hard to search as can be: {@link NO_HIT} is nearly in all of them, at each of their letters. */
const NAME = 'a'.repeat(60);
/** A query that no name contains. */
export const NO_HIT = `${'a'.repeat(40)}b`;

/** Carries out many writes, a bounded number at once. */
async function inBatches(count: number, write: (i: number) => Promise<unknown>): Promise<void> {
  for (let begin = 0; begin < count; begin += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - begin);
    await Promise.all(Array.from({ length: size }, (_, i) => write(begin + i)));
  }
}

/** Fills `abuse.db` in the folder: of the rooms 80 % are hidden and 0.5 % have a password. */
export async function fillDatabase(folder: string, options: CrowdOptions): Promise<Crowd> {
  const logger = createLogger({ level: 'error', pretty: false });
  const path = join(folder, 'abuse.db');
  const store = await openSqliteStore({ path, queueMax: 2 * AT_ONCE, logger, metrics: createMetrics() });
  const newId = createIds();
  const guest = (username: string) => store.users.create({ id: newId(), username, at: Date.now() });
  const owners = await Promise.all(
    Array.from({ length: Math.ceil(options.rooms / OWNED) }, async (_, i) => (await guest(`owner ${i}`)).id),
  );
  const ownerOf = (i: number) => owners[i % owners.length] ?? '';
  const rooms: string[] = [];
  // Activity in no order of ids, as it is; the newest is in hidden rooms, which lists must not pass over one by one.
  const at = (i: number) => Date.now() - ((i * 7_919_317) % MONTH_MS) - (i % 5 === 0 ? MONTH_MS : 0);
  await inBatches(options.rooms, async (i) => {
    const isListed = i % 5 === 0;
    const type = isListed && i % 200 !== 0 ? 'public' : 'private';
    const password_hash = isListed && type === 'private' ? '$argon2id$' : null;
    const room = { room_id: newId(), message_id: newId(), name: `${NAME} ${i}`, client_id: null, at: at(i) };
    const who = { user_id: ownerOf(i), rooms_max: Number.POSITIVE_INFINITY };
    rooms[i] = (await store.rooms.create({ ...room, ...who, type, password_hash })).room.id;
  });

  const secret = newId().repeat(2);
  const issue = await createTokens(secret, Date.now);
  const tokens = new Map<number, string>();
  for (const count of MEMBERSHIPS) {
    if (count > options.rooms) continue;
    const { id: user_id } = await guest(`member of ${count}`);
    const step = options.rooms / count;
    await inBatches(count, (i) => {
      const place = Math.floor(i * step);
      const who = { user_id, rooms_max: Number.POSITIVE_INFINITY, by: ownerOf(place), at: at(place) };
      return store.rooms.add({ ...who, room_id: rooms[place] ?? '', message_id: newId() });
    });
    tokens.set(count, await issue.issue({ user_id, token_id: newId(), generation: 0 }));
  }
  const talk = (count: number, content: string) => talkedIn(store, { newId, count, content, author: ownerOf(0) });
  const edited = await talk(options.messages, 'hello');
  const edit = (id: string) =>
    store.messages.edit({ message_id: id, user_id: ownerOf(0), content: 'hello again', at: Date.now() });
  await inBatches(edited.ids.length, (i) => edit(edited.ids[i] ?? ''));
  const long = await talk(100, 'x'.repeat(4_000));
  await store.close();
  return { secret, tokens, edited: edited.room_id, long: long.room_id };
}

/** A public room in which so much has been said. */
async function talkedIn(
  store: Store,
  { newId, count, content, author }: { newId: () => string; count: number; content: string; author: string },
): Promise<{ room_id: string; ids: string[] }> {
  const room = { room_id: newId(), message_id: newId(), name: 'talk', type: 'public', password_hash: null } as const;
  const who = { user_id: author, rooms_max: Number.POSITIVE_INFINITY, client_id: null, at: Date.now() };
  const room_id = (await store.rooms.create({ ...room, ...who })).room.id;
  const ids = Array.from({ length: count }, newId);
  await inBatches(count, (i) => {
    const message = { id: ids[i] ?? '', room_id, user_id: author, username: 'owner 0', content, client_id: null };
    return store.messages.send({ ...message, at: Date.now() });
  });
  return { room_id, ids };
}
