import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../../../tests/support/database.ts';
import type { Input } from './batch-queue.ts';
import type { ReadCalls, WriteCalls } from './calls.ts';

const folder = await mkdtemp(join(tmpdir(), 'sohbet-plans-'));
const { reads, writes, transact, plansOf, close } = testDatabase(join(folder, 'plans.db'));
afterAll(() => {
  close();
  return rm(folder, { recursive: true, force: true });
});

const at = 1;
const rooms_max = 1_000;
const garden = { name: 'garden', type: 'public', password_hash: null, client_id: null } as const;
const room = { ...garden, user_id: 'ada', rooms_max, at };
const message = { room_id: 'garden', user_id: 'ada', username: 'ada', content: 'hello', client_id: 'key', at };
const who = { room_id: 'garden', user_id: 'ada' };
const other = { room_id: 'garden', user_id: 'can', rooms_max, at };
const token = { user_id: 'ada', token_id: 'token', generation: 0 };
const page = { after: undefined, limit: 50 };

transact(() => {
  for (const id of ['ada', 'can']) writes.createUser({ id, username: id, at });
  writes.create({ ...room, room_id: 'garden', message_id: 'first' });
  writes.send({ ...message, id: 'hello' });
  writes.create({ ...room, room_id: 'doomed', message_id: 'last' });
  writes.deleteRoom({ room_id: 'doomed', at });
});

/** What commands of strangers may ask of the reader, in each of its shapes; null: the tools alone ask it. */
const READS: { [K in keyof ReadCalls]: Input<ReadCalls, K>[] | null } = {
  freeNameLike: ['ada'],
  session: [true, false].map((mine) => ({ user_id: 'ada', token, mine })),
  byClientId: [{ user_id: 'ada', client_id: 'key' }],
  access: [who],
  heads: [{ room_ids: ['garden'] }],
  requireMember: [who],
  snapshot: [who],
  members: [{ ...who, ...page }],
  list: [undefined, 'a'].flatMap((query) => [true, false].map((mine) => ({ ...page, user_id: 'ada', query, mine }))),
  messageByClientId: [{ ...who, client_id: 'key' }],
  page: [
    { ...who, before: undefined, after: undefined, limit: 50 },
    { ...who, before: 9, after: undefined, limit: 50 },
    { ...who, before: undefined, after: 0, limit: 50 },
  ],
  sync: [{ user_id: 'ada', rooms: [{ room_id: 'garden', seq: 0 }] }],
  log: [{ room_id: 'garden', after: 0 }],
  notices: [{ after: 0 }],
  departing: [{ after: '', limit: 10 }],
  unseen: [{ before: at, limit: 10 }],
  newestNotice: [undefined as never],
  newestSeen: [undefined as never],
  probeRead: [undefined as never],
  allRooms: null,
  deletedRooms: null,
  allUsers: null,
  user: null,
  memberships: null,
  countMessages: null,
  messagesOf: null,
  staleUsers: null,
  unusedRooms: null,
  authors: null,
  erasure: null,
  tellsOf: null,
};

/** The same of the writer, in an order in which none is refused. */
const WRITES: { [K in keyof WriteCalls]: Input<WriteCalls, K> | null } = {
  createUser: { id: 'eve', username: 'eve', at },
  touchUsers: { users: [{ id: 'ada', connected_at: at, last_activity: at }], at },
  create: { ...room, room_id: 'other', message_id: 'second', client_id: 'other' },
  join: { ...other, message_id: 'join', verified_hash: null },
  leave: { ...other, message_id: 'leave' },
  add: { ...other, message_id: 'add', by: 'ada' },
  remove: { ...other, message_id: 'remove', by: 'ada' },
  send: { ...message, id: 'again', client_id: 'again' },
  edit: { message_id: 'hello', user_id: 'ada', content: 'hi', at },
  delete: { message_id: 'hello', user_id: 'ada', at },
  revokeTokens: { user_id: 'eve', token_id: 'token', expires_at: at, at },
  depart: { user_id: 'eve', message_id: 'depart', at },
  retireUnseen: { user_id: 'can', unseen_since: at + 1, at },
  probeWrite: at,
  settleTimes: null,
  forgetRevoked: null,
  setOwner: null,
  deleteRoom: null,
  eraseUser: null,
  eraseSome: { at },
  deleteUser: null,
};

const TABLE_SCAN = /^SCAN (rooms|members|messages|users|notices|revoked_tokens|[rmu])\b/;

describe('no statement that a stranger may cause walks over a whole table', () => {
  it.each(Object.entries(READS).filter(([, inputs]) => inputs !== null))('read %s', (name, inputs) => {
    const call = reads[name as keyof ReadCalls] as (input: unknown) => unknown;
    const plans = plansOf(() => {
      for (const input of inputs ?? []) call(input);
    });
    expect(plans.length).toBeGreaterThan(0);
    expect(plans.filter((step) => TABLE_SCAN.test(step))).toEqual([]);
  });

  it.each(Object.entries(WRITES).filter(([, input]) => input !== null))('write %s', (name, input) => {
    const call = writes[name as keyof WriteCalls] as (input: unknown) => unknown;
    const plans = plansOf(() => transact(() => call(input)));
    expect(plans.filter((step) => TABLE_SCAN.test(step))).toEqual([]);
  });
});

it('reads what changed from indexes that hold nothing else, as far as is needed', () => {
  const plans = plansOf(() => reads.sync({ user_id: 'ada', rooms: [{ room_id: 'garden', seq: 0 }] })).join('\n');
  expect(plans).toContain('SEARCH messages USING INDEX messages_unchanged');
  expect(plans).toContain('SEARCH messages USING INDEX messages_by_change');
  expect(plans).not.toContain('TEMP B-TREE');
});

it('lists and searches rooms in the order of the index of those that are listed, and sorts the own alone', () => {
  const list = (query: string | undefined) =>
    plansOf(() => reads.list({ ...page, user_id: 'ada', query, mine: false })).join('\n');
  expect(list(undefined)).toContain('SEARCH r USING INDEX rooms_listed');
  expect(list('a')).toContain('USING COVERING INDEX rooms_listed');
  for (const query of [undefined, 'a']) expect(list(query).match(/TEMP B-TREE/g)).toHaveLength(1);
});

it('reads at a sign-in none of the rooms that are listed to all, where only the own are wanted', () => {
  const plans = (mine: boolean) => plansOf(() => reads.session({ user_id: 'ada', token: undefined, mine })).join('\n');
  expect(plans(false)).toContain('rooms_listed');
  expect(plans(true)).toContain('members_by_user');
  expect(plans(true)).not.toContain('rooms_listed');
});
