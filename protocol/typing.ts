import { z } from 'zod';
import { command, event } from './define.ts';
import { Empty, Id } from './fields.ts';
import { LIMITS } from './limits.ts';
import { can, garden } from './story.ts';

/** The command about typing. */
export const COMMANDS = {
  typing_status: command({
    summary: { en: 'Tell a room that you are typing, or no longer.', tr: 'Odaya yazmakta olduğunuzu bildirir.' },
    description: `\`is_typing: true\` lapses after ${LIMITS.typing_lapse_ms / 1_000} s, and when the user sends, leaves or disconnects.`,
    payload: z.strictObject({ room_id: Id, is_typing: z.boolean() }),
    result: Empty,
    needs: 'member',
    rates: ['typing_updates'],
    errors: [],
    causes: ['typing_status'],
    example: { payload: { room_id: garden, is_typing: true }, result: {} },
  }),
};

/** The event about typing. */
export const EVENTS = {
  typing_status: event({
    summary: { en: 'Someone is typing, or no longer.', tr: 'Birisi yazıyor ya da artık yazmıyor.' },
    to: 'The room but the sender. Not in the log: forget a typing user after 10 s.',
    payload: z.object({ user_id: Id, username: z.string(), room_id: Id, is_typing: z.boolean() }),
    example: { user_id: can, username: 'can', room_id: garden, is_typing: true },
  }),
};
