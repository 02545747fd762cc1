import type { Rooms } from '../services/room.ts';
import type { Typing } from '../services/typing.ts';
import { ANSWERED, type Handlers } from './handle.ts';

type RoomCommand =
  | 'create_room'
  | 'join_room'
  | 'leave_room'
  | 'add_member'
  | 'remove_member'
  | 'get_rooms'
  | 'get_users'
  | 'typing_status';

/** The commands about rooms and who is in them. */
export function roomHandlers(rooms: Rooms, typing: Typing): Handlers<RoomCommand> {
  return {
    async create_room({ connection, user, payload, answer }) {
      await rooms.create(connection, user, payload, answer);
      return ANSWERED;
    },

    async join_room({ connection, user, payload, acknowledged, answer }) {
      await rooms.join(connection, user, payload, (result) => {
        answer(result);
        const { room, users, messages } = result;
        connection.send({ event: 'room_info', payload: { room, users, messages: acknowledged ? [] : messages } });
      });
      return ANSWERED;
    },

    async leave_room({ user, payload }) {
      await rooms.leave(user, payload);
      return {};
    },

    async add_member({ user, payload }) {
      await rooms.addMember(user, payload);
      return {};
    },

    async remove_member({ user, payload }) {
      await rooms.removeMember(user, payload);
      return {};
    },

    async get_rooms({ connection, user, payload, acknowledged }) {
      const asked = acknowledged ? payload : { ...payload, after: undefined };
      const result = await rooms.list(user, asked);
      if (!acknowledged) connection.send({ event: 'rooms_list', payload: result.rooms });
      return result;
    },

    get_users: ({ user, payload }) => rooms.users(user, payload),

    async typing_status({ connection, user, payload }) {
      await typing.set(connection, user, payload);
      return {};
    },
  };
}
