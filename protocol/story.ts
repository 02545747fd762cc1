/* One small story, Ada and Can in the room "garden": what the examples of all commands and events are made of. */

/** The id of Ada, who made the room. */
export const ada = '019a8f3e-5b7a-7c31-9a46-2f6d0c1b8e51';
/** The id of Can, who joined it. */
export const can = '019a8f3e-8d12-7f04-8b6e-61c2a9d7f3b0';
/** The id of the room. */
export const garden = '019a8f3f-0c45-7a92-b1d8-94e7c5f02a6d';
/** The id of what Ada said. */
export const hello = '019a8f40-1e9b-7d63-a2c7-0b5f8e4d3c19';
/** The history that all of it belongs to. */
export const epoch = '5f0c6a2e9b714d83';
/** How one of them comes back. */
export const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTlhOGYzZSJ9.c2lnbmF0dXJl';

/** Ada. */
export const adaUser = {
  id: ada,
  username: 'ada',
  is_active: true,
  connected_at: '2026-11-22T09:30:00.000Z',
  last_activity: '2026-11-22T09:31:00.000Z',
};
/** Can. */
export const canUser = { ...adaUser, id: can, username: 'can' };
/** The room "garden". */
export const room = {
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
/** The system message of Can’s joining. */
export const joined = {
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
/** What Ada said. */
export const message = {
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
/** The same, edited. */
export const updated = {
  ...message,
  rev: 4,
  content: 'Hello, garden!',
  edited: true,
  edited_at: '2026-11-22T09:31:30.000Z',
};
/** The same, taken back. */
export const deleted = { ...updated, rev: 5, content: '', deleted: true, deleted_at: '2026-11-22T09:32:00.000Z' };
