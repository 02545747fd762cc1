/** Payloads, results and events of one small story (Ada and Can in the room "garden"), used by every page and test. */

const ada = '019a8f3e-5b7a-7c31-9a46-2f6d0c1b8e51';
const can = '019a8f3e-8d12-7f04-8b6e-61c2a9d7f3b0';
const garden = '019a8f3f-0c45-7a92-b1d8-94e7c5f02a6d';
const hello = '019a8f40-1e9b-7d63-a2c7-0b5f8e4d3c19';
const epoch = '5f0c6a2e9b714d83';
const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTlhOGYzZSJ9.c2lnbmF0dXJl';

const adaUser = {
  id: ada,
  username: 'ada',
  is_active: true,
  connected_at: '2026-11-22T09:30:00.000Z',
  last_activity: '2026-11-22T09:31:00.000Z',
};
const canUser = { ...adaUser, id: can, username: 'can' };
const room = {
  id: garden,
  name: 'garden',
  type: 'public' as const,
  is_password_protected: false,
  created_by: ada,
  owner_id: ada,
  created_at: '2026-11-22T09:30:05.000Z',
  user_count: 2,
  online_count: 2,
  seq: 3,
};
const joined = {
  id: '019a8f3f-9a01-7b2c-8c55-7d1e0f3a6b42',
  room_id: garden,
  seq: 2,
  rev: 2,
  user_id: can,
  username: 'can',
  content: 'can joined',
  timestamp: '2026-11-22T09:30:40.000Z',
  is_system_message: true,
  system: { type: 'user_joined' as const, user_id: can, username: 'can' },
  edited: false,
  edited_at: null,
  deleted: false,
  deleted_at: null,
};
const message = {
  id: hello,
  room_id: garden,
  seq: 3,
  rev: 3,
  user_id: ada,
  username: 'ada',
  content: 'Hello!',
  timestamp: '2026-11-22T09:31:00.000Z',
  is_system_message: false,
  edited: false,
  edited_at: null,
  deleted: false,
  deleted_at: null,
  client_id: 'c7b0c1de-1f6b-4f5e-9d3a-8a2b6c4e0f17',
};
const updated = { ...message, rev: 4, content: 'Hello, garden!', edited: true, edited_at: '2026-11-22T09:31:30.000Z' };
const deleted = { ...updated, rev: 5, content: '', deleted: true, deleted_at: '2026-11-22T09:32:00.000Z' };

/** One valid example for each command and each event. */
export const EXAMPLES = {
  commands: {
    authenticate: {
      payload: { username: 'ada' },
      result: {
        user: adaUser,
        token,
        epoch,
        rooms: [room],
        rooms_next: null,
        server: { protocol: 1, features: [], limits: { content_max: 4000 } },
      },
    },
    sign_out: { payload: { everywhere: false }, result: {} },
    create_room: {
      payload: { name: 'garden', type: 'public' as const },
      result: { room: { ...room, user_count: 1, online_count: 1, seq: 1 } },
    },
    join_room: {
      payload: { room_id: garden },
      result: { room, users: [adaUser, canUser], messages: [joined, message], has_more: false },
    },
    leave_room: { payload: { room_id: garden }, result: {} },
    add_member: { payload: { room_id: garden, user_id: can }, result: {} },
    remove_member: { payload: { room_id: garden, user_id: can }, result: {} },
    get_rooms: { payload: { query: 'gar', limit: 20 }, result: { rooms: [room], next: null } },
    get_users: { payload: { room_id: garden }, result: { users: [adaUser, canUser], next: null } },
    send_message: {
      payload: { room_id: garden, content: 'Hello!', client_id: 'c7b0c1de-1f6b-4f5e-9d3a-8a2b6c4e0f17' },
      result: { message },
    },
    update_message: { payload: { message_id: hello, content: 'Hello, garden!' }, result: { message: updated } },
    delete_message: { payload: { message_id: hello }, result: { message: deleted } },
    get_messages: {
      payload: { room_id: garden, before: 4, limit: 20 },
      result: { messages: [joined, message], has_more: true },
    },
    sync: {
      payload: { epoch, rooms: [{ room_id: garden, seq: 2 }] },
      result: { epoch, rooms: [{ room_id: garden, head: 3, messages: [message], has_more: false, reset: false }] },
    },
    typing_status: { payload: { room_id: garden, is_typing: true }, result: {} },
  },
  events: {
    connect_response: { status: 'success' as const, user: adaUser, token, epoch },
    rooms_list: [room],
    room_created: {
      room_id: garden,
      name: 'garden',
      type: 'public' as const,
      is_password_protected: false,
      created_by: ada,
      created_at: '2026-11-22T09:30:05.000Z',
    },
    room_deleted: { room_id: garden },
    room_info: { room, users: [adaUser, canUser], messages: [] },
    user_joined_room: { user: canUser, room: { ...room, seq: 2 }, seq: 2 },
    user_left_room: { user_id: can, username: 'can', room_id: garden, seq: 6 },
    message,
    message_updated: updated,
    message_deleted: deleted,
    typing_status: { user_id: can, username: 'can', room_id: garden, is_typing: true },
    user_connected: { user: canUser },
    user_disconnected: { user_id: can, username: 'can' },
    server_closing: { retry_after_ms: 1840 },
    error: {
      code: 'NOT_A_MEMBER' as const,
      message: 'You are not a member of this room.',
      event: 'send_message',
    },
  },
};
