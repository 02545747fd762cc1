import type { CommandResult } from '../../protocol/commands.ts';
import { normalizeRoomName, normalizeRoomQuery, type SeenRoom, type StoredRoom } from '../models/room.ts';
import type { Store } from '../stores/store.ts';
import type { SignedIn } from './caller.ts';
import type { Delivery } from './delivery.ts';
import { type Idempotency, Placed, type Routes } from './dispatch.ts';
import type { Tail } from './log/tail.ts';
import type { PasswordService } from './password.ts';
import type { Presence } from './presence.ts';

/** What the commands about rooms work on. */
export interface RoomOptions {
  readonly store: Pick<Store, 'rooms'>;
  readonly passwords: PasswordService;
  readonly presence: Presence;
  readonly tail: Tail;
  readonly delivery: Delivery;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
  /** How many rooms a user may be a member of. */
  readonly roomsPerUser: number;
}

/** Making and listing rooms. */
export function roomRoutes(options: RoomOptions) {
  const { store, passwords, presence, tail, now, newId, roomsPerUser: rooms_max } = options;
  const repeated = roomIdempotency(options).create_room;
  return {
    /** The connection gets onto the room's stream behind the answer. */
    create_room(call) {
      const { user, connection } = call.caller;
      const { type, password, client_id = null } = call.payload;
      const name = normalizeRoomName(call.payload.name);
      const room_id = newId();
      return new Placed(async (answer) => {
        const before = client_id === null ? undefined : await repeated(call);
        if (before !== undefined) return answer(before);
        const password_hash = password === undefined ? null : await passwords.hash(password);
        const room = { room_id, message_id: newId(), name, type, password_hash, client_id };
        const create = () => store.rooms.create({ ...room, user_id: user.id, rooms_max, at: now() });
        if (connection === undefined) {
          const created = await create();
          answer(tell(presence, created));
          if (!created.duplicate) announce(options, user, created.room);
          return;
        }
        const bookmark = tail.bookmark();
        tail.expectJoin(connection, room_id);
        try {
          const created = await create();
          const result = tell(presence, created);
          answer(result);
          if (created.duplicate) return;
          const users = connection.identity === null ? [] : [presence.describe(connection.identity.user)];
          connection.send({ event: 'room_info', payload: { room: result.room, users, messages: [] } });
          await tail.attach(connection, [[room_id, created.room.seq]], bookmark);
          announce(options, user, created.room);
        } finally {
          tail.endJoin(connection, room_id);
          tail.release(bookmark);
        }
      });
    },

    /** Without an answer the first page comes as an event. */
    async get_rooms({ caller: { user, connection }, payload: { query, after, ...asked }, isUnanswered }) {
      const name = query === undefined ? undefined : normalizeRoomQuery(query);
      const from = isUnanswered ? undefined : after;
      const page = await store.rooms.list({ ...asked, user_id: user.id, query: name, after: from });
      const rooms = page.items.map((room) => presence.room(room));
      if (isUnanswered) connection?.send({ event: 'rooms_list', payload: rooms });
      return { rooms, next: page.next };
    },
  } satisfies Partial<Routes>;
}

/** What finds rooms that were made before. */
export function roomIdempotency({ store, presence }: Pick<RoomOptions, 'store' | 'presence'>) {
  return {
    async create_room({ caller: { user }, payload: { client_id = '' } }) {
      const room = await store.rooms.byClientId({ user_id: user.id, client_id });
      return room && tell(presence, { room, duplicate: true });
    },
  } satisfies Partial<Idempotency>;
}

function tell(
  presence: Presence,
  { room, duplicate }: { room: SeenRoom; duplicate: boolean },
): CommandResult<'create_room'> {
  return { room: presence.room(room), ...(duplicate && { duplicate }) };
}

/** Tells those who may see a new room. */
function announce(
  { presence, delivery }: RoomOptions,
  creator: SignedIn['user'],
  { id: room_id, name, type, is_password_protected, created_by, created_at }: StoredRoom,
): void {
  const payload = { room_id, name, type, is_password_protected, created_by, created_at };
  const listed = type === 'public' || is_password_protected;
  const told = listed && presence.tellsEveryone ? presence.connections() : presence.get(creator.id)?.connections;
  delivery.sendAll(told ?? [], { event: 'room_created', payload });
}
