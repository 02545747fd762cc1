import type { READS } from '../../app/stores/reads/index.ts';
import type { WRITES } from '../../app/stores/writes/index.ts';
import type { Input } from './writes.ts';

type NameIn<Nouns> = { [N in keyof Nouns & string]: `${N}.${keyof Nouns[N] & string}` }[keyof Nouns & string];
type CallOf<Name extends string> = { [N in Name]: readonly [name: N, input: Input<N>] }[Name];

const at = 5_000;
const rooms_max = 1_000;
const made = { name: 'garden', type: 'public', password_hash: null, client_id: null } as const;
const room = { ...made, user_id: 'ada', rooms_max, at };
const said = { room_id: 'garden', user_id: 'ada', username: 'ada', content: 'hello', client_id: 'key', at };
const who = { room_id: 'garden', user_id: 'ada' };
const other = { room_id: 'garden', user_id: 'can', rooms_max, at };
const token = { user_id: 'ada', token_id: 'token', generation: 0 };
const page = { after: undefined, limit: 50 };
const part = { after: '', rows: 1_000 };
const notSeen = { unseen_since: at + 1, at };

/** Writes that come first, so that none of {@link EVERY_WRITE} is refused. */
export const FIRST_WRITES: readonly CallOf<NameIn<typeof WRITES>>[] = [
  ...['ada', 'can', 'eve', 'fay', 'gus', 'hal'].map((id) => ['users.create', { id, username: id, at }] as const),
  ['rooms.create', { ...room, room_id: 'garden', message_id: 'first' }],
  ['messages.send', { ...said, id: 'hello' }],
  ['rooms.create', { ...room, room_id: 'doomed', message_id: 'last' }],
  ['rooms.join', { ...other, user_id: 'fay', message_id: 'fay joins', verified_hash: null }],
  // With the hundredth notice the old ones are removed.
  ...Array.from(
    { length: 99 },
    (_, i) => ['users.revoke', { user_id: 'hal', token_id: `token ${i}`, expires_at: at, at }] as const,
  ),
];

/** Every write, in each of its shapes, in an order in which none is refused. */
export const EVERY_WRITE: readonly CallOf<NameIn<typeof WRITES>>[] = [
  ['users.create', { id: 'new', username: 'new', at }],
  ['users.touch', { users: [{ id: 'ada', connected_at: at, last_activity: at }], at }],
  ['rooms.create', { ...room, room_id: 'other', message_id: 'second', client_id: 'other' }],
  ['rooms.create', { ...room, room_id: 'again', message_id: 'third', client_id: 'other' }],
  ['rooms.join', { ...other, message_id: 'join', verified_hash: null }],
  ['rooms.leave', { ...other, message_id: 'leave' }],
  ['rooms.add', { ...other, message_id: 'add', by: 'ada' }],
  ['rooms.remove', { ...other, message_id: 'remove', by: 'ada' }],
  ['messages.send', { ...said, id: 'again', client_id: 'again' }],
  ['messages.send', { ...said, id: 'and again', client_id: 'again' }],
  ['messages.edit', { message_id: 'hello', user_id: 'ada', content: 'hi', at }],
  ['messages.delete', { message_id: 'hello', user_id: 'ada', at }],
  ['users.revoke', { user_id: 'fay', token_id: 'token', expires_at: at, at }],
  ['users.depart', { user_id: 'fay', room_id: 'garden', message_id: 'depart', at }],
  ['users.depart', { user_id: 'fay', room_id: null, message_id: 'departed', at }],
  ['users.retireUnseen', { user_id: 'gus', ...notSeen }],
  ['admin.setOwner', { room_id: 'other', user_id: 'ada', message_id: 'owner', at }],
  ['rooms.leave', { ...who, message_id: 'owner leaves', at }],
  ['admin.deleteRoom', { room_id: 'doomed', at }],
  ['erasures.step', { next: { kind: 'room', subject: 'doomed', messages: 1, members: 1 }, at }],
  ['erasures.step', { next: { kind: 'room', subject: 'doomed', messages: 0, members: 1 }, at }],
  ['erasures.step', { next: { kind: 'room', subject: 'doomed', messages: 0, members: 0 }, at }],
  ['admin.eraseUser', { user_id: 'eve', at }],
  [
    'erasures.step',
    {
      next: { kind: 'user', subject: 'eve', last: 'x', looked: 1, messages: [{ id: 'hello', room_id: 'garden' }] },
      at,
    },
  ],
  ['admin.deleteUser', { user_id: 'fay' }],
  ['times.settleRooms', { room_ids: ['garden'], place: 0, at: 1 }],
  ['times.settleUsers', { at }],
  ['users.forgetRevoked', { expired_before: at }],
  ['health.probeWrite', { at }],
];

/** Every read, in each of its shapes. */
export const EVERY_READ: readonly CallOf<NameIn<typeof READS>>[] = [
  ['users.freeNameLike', 'ada'],
  ...[true, false].map((mine) => ['users.session', { user_id: 'ada', token, mine }] as const),
  ['users.members', { ...who, ...page }],
  ['users.departing', { after: '', limit: 10 }],
  ['users.nextDeparture', { user_id: 'ada' }],
  ['users.unseen', { before: at, limit: 10 }],
  ['users.newestSeen', undefined],
  ['rooms.byClientId', { user_id: 'ada', client_id: 'key' }],
  ['rooms.access', who],
  ['rooms.heads', { room_ids: ['garden', 'other'] }],
  ['rooms.requireMember', who],
  ['rooms.snapshot', who],
  ...[undefined, 'a'].flatMap((query) =>
    [true, false].map((mine) => ['rooms.list', { ...page, user_id: 'ada', query, mine }] as const),
  ),
  ['messages.byClientId', { ...who, client_id: 'key' }],
  ['messages.page', { ...who, before: undefined, after: undefined, limit: 50 }],
  ['messages.page', { ...who, before: undefined, after: 0, limit: 50 }],
  ['messages.sync', { user_id: 'ada', rooms: [{ room_id: 'garden', seq: 0 }] }],
  ['messages.log', { room_id: 'garden', after: 0 }],
  ['notices.after', { after: 0 }],
  ['notices.newest', undefined],
  ['erasures.next', undefined],
  ['times.roomsAhead', { at, limit: 10 }],
  ['health.probeRead', undefined],
  ...[undefined, 'a'].map((query) => ['admin.rooms', { ...page, query }] as const),
  ...[undefined, 'a'].map((query) => ['admin.users', { ...page, query }] as const),
  ['admin.user', { user_id: 'ada' }],
  ['admin.memberships', { user_id: 'ada' }],
  ['admin.countMessages', undefined],
  ['admin.messagesOf', { user_id: 'ada', ...part }],
  ['admin.tellsOf', { user_id: 'ada', ...part }],
  ['admin.erasure', { kind: 'room', id: 'doomed' }],
  ['admin.staleUsers', { ...page, before: at }],
  ['admin.unusedRooms', { ...page, before: at }],
  ['admin.deletedRooms', undefined],
  ['admin.authors', part],
];

/** Whether a call is one that a stranger may cause, and not the operator alone, or the start of a server. */
export const isAnyones = (name: string): boolean => !/^(admin|times)\.|^users\.forgetRevoked$/.test(name);

/** The names of all calls, such as `messages.send`. */
export const namesOf = (nouns: Readonly<Record<string, object>>): Set<string> =>
  new Set(Object.entries(nouns).flatMap(([noun, calls]) => Object.keys(calls).map((name) => `${noun}.${name}`)));
