import type { CommandResult } from '../../protocol/commands.ts';
import { RawJson, type WithRaw } from '../models/raw-json.ts';
import { Refusal } from '../models/refusal.ts';
import type { RoomSnapshot, Store } from '../stores/store.ts';
import { Placed, type Routes } from './dispatch.ts';
import type { Tail } from './log/tail.ts';
import type { Presence } from './presence.ts';
import type { Access, RoomPasswords } from './room-password.ts';

/** What the commands about members work on. */
export interface MemberOptions {
  readonly store: Pick<Store, 'rooms'>;
  readonly presence: Presence;
  readonly tail: Tail;
  readonly roomPasswords: RoomPasswords;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
  /** How many rooms a user may be a member of. */
  readonly roomsPerUser: number;
  /** Counts that a user is added to a room; see `Limits.addition`. */
  readonly onAddition: (user_id: string) => () => void;
}

/** Becoming a member, and ceasing to be one, by oneself or by the owner. */
export function memberRoutes(options: MemberOptions) {
  const { store, presence, tail, roomPasswords, now, newId, roomsPerUser: rooms_max, onAddition } = options;
  const entry = () => ({ message_id: newId(), at: now() });
  return {
    /** First the write; then the connection gets onto the room's stream, and is answered at its place in it. */
    join_room({ caller: { user, client, connection }, payload: { room_id, password }, isUnanswered }) {
      const who = { user_id: user.id, room_id };
      const join = async (access: Access) => {
        if (access?.member) return;
        const verified_hash = await roomPasswords.verify(access, password, { ...who, address: client?.address ?? '' });
        await store.rooms.join({ ...who, ...entry(), rooms_max, verified_hash });
      };
      return new Placed(async (answer) => {
        const access = await accessTo(store, who, password !== undefined);
        if (connection === undefined) {
          await join(access);
          answer(tell(presence, await store.rooms.snapshot(who)));
          return;
        }
        tail.expectJoin(connection, room_id);
        try {
          await join(access);
          await tail.open(connection, room_id, (snapshot) => {
            const result = tell(presence, snapshot);
            answer(result);
            const { room, users, messages } = result;
            connection.send({ event: 'room_info', payload: { room, users, messages: isUnanswered ? messages : [] } });
          });
        } finally {
          tail.endJoin(connection, room_id);
        }
      });
    },

    async leave_room({ caller: { user }, payload }) {
      await store.rooms.leave({ ...payload, ...entry(), user_id: user.id });
      return {};
    },

    async add_member({ caller: { user }, payload }) {
      const takeBack = onAddition(payload.user_id);
      let added = false;
      try {
        added = await store.rooms.add({ ...payload, ...entry(), by: user.id, rooms_max });
      } finally {
        if (!added) takeBack();
      }
      return {};
    },

    async remove_member({ caller: { user }, payload }) {
      await store.rooms.remove({ ...payload, ...entry(), by: user.id });
      return {};
    },
  } satisfies Partial<Routes>;
}

/** What the caller may know of a room. With a password, a room that is none is asked for it like any other. */
async function accessTo(
  store: MemberOptions['store'],
  who: { room_id: string; user_id: string },
  withPassword: boolean,
): Promise<Access> {
  try {
    return await store.rooms.access(who);
  } catch (error) {
    if (withPassword && error instanceof Refusal && error.code === 'ROOM_NOT_FOUND') return null;
    throw error;
  }
}

function tell(
  presence: Presence,
  { room, users, messages, has_more }: RoomSnapshot,
): WithRaw<CommandResult<'join_room'>> {
  return {
    room: presence.room({ ...room, member: true }),
    // Once, though it goes into the answer and into `room_info`.
    users: RawJson.of(users.map((user) => presence.user(user))),
    messages,
    has_more,
  };
}
