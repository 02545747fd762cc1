/**
 * Every size that the protocol bounds, in one place. Lengths of text are counted in Unicode code points, sizes in
 * UTF-8 bytes, times in milliseconds. All bounds are inclusive. `authenticate` tells them to the client as `server.limits`.
 * This file uses no library, so that the SDK can ship it.
 */
export const LIMITS = {
  /** The fewest code points a username may have, after normalisation. */
  username_min: 1,
  /** The most code points a username may have, after normalisation. */
  username_max: 32,
  /** The most code points a room name may have, after trimming. */
  room_name_max: 80,
  /** The fewest code points a room password may have. */
  password_min: 8,
  /** The most code points a room password may have. */
  password_max: 128,
  /** The most code points a message may have. */
  content_max: 4_000,
  /** The most characters a `client_id` may have. */
  client_id_max: 64,
  /** The most bytes a packet from a client may have, its Engine.IO and Socket.IO framing included. */
  packet_bytes: 65_536,
  /** The most commands of a connection that wait while it signs in. */
  early_commands: 100,
  /** The most bytes of JSON that they may carry together. */
  early_bytes: 131_072,
  /** How deep the JSON of a payload may nest; a payload that is an object of plain values has depth 1. */
  json_depth: 8,
  /** The most bytes of JSON in one answer or event; a page that would be longer ends early and says so. */
  answer_bytes: 262_144,
  /** How many items a page holds when the client does not say. */
  page_default: 50,
  /** The most items a client may ask for in one page. */
  page_max: 100,
  /** How many of the rooms that are listed to all a `query` looks at: those of newest activity. */
  search_rooms: 5_000,
  /** The most rooms one `sync` may name. */
  sync_rooms: 100,
  /** The most messages one `sync` gives for one room. */
  sync_messages: 300,
  /** How long `is_typing: true` holds without being repeated. */
  typing_lapse_ms: 8_000,
  /** The most typing events a second that a room is sent. */
  typing_per_second: 5,
  /** How long a user stays online after the last connection ended. */
  presence_grace_ms: 20_000,
} as const;
