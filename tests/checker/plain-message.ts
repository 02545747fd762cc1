import type { Message } from '../../protocol/index.ts';

/** When everything happens in a history that is made up. */
export const TIME = '2026-01-01T00:00:00.000Z';

/** What makes one message differ from another. */
export type About = Pick<Message, 'id' | 'room_id' | 'seq' | 'user_id' | 'content'>;

/** A message of someone's as it was sent: not changed since, at a time that means nothing. */
export function plainMessage(about: About): Message {
  return {
    ...about,
    rev: about.seq,
    username: about.user_id,
    timestamp: TIME,
    is_system_message: false,
    edited: false,
    edited_at: null,
    deleted: false,
    deleted_at: null,
  };
}
