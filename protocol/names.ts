/** The names of all commands and events. This file uses no library, so that the SDK can ship it. */

/** The version of this protocol, told in `authenticate`'s `server.protocol`. */
export const PROTOCOL_VERSION = 1;

/** Everything a client may ask, client → server. */
export const COMMAND_NAMES = [
  'authenticate',
  'sign_out',
  'create_room',
  'join_room',
  'leave_room',
  'add_member',
  'remove_member',
  'get_rooms',
  'get_users',
  'send_message',
  'update_message',
  'delete_message',
  'get_messages',
  'sync',
  'typing_status',
] as const;

/** The name of a command. */
export type CommandName = (typeof COMMAND_NAMES)[number];

/** Everything the server may say unasked, server → client. */
export const EVENT_NAMES = [
  'connect_response',
  'rooms_list',
  'room_created',
  'room_deleted',
  'room_info',
  'user_joined_room',
  'user_left_room',
  'message',
  'message_updated',
  'message_deleted',
  'typing_status',
  'user_connected',
  'user_disconnected',
  'server_closing',
  'error',
] as const;

/** The name of an event. */
export type EventName = (typeof EVENT_NAMES)[number];

/** The three events that make up a room's log: their `rev` runs 1, 2, 3 … in each room. */
export const LOG_EVENT_NAMES = ['message', 'message_updated', 'message_deleted'] as const satisfies EventName[];

/** The name of an event that is an entry of a room's log. */
export type LogEventName = (typeof LOG_EVENT_NAMES)[number];
