import { z } from 'zod';
import { command } from './define.ts';
import { ERROR_CODES } from './errors.ts';
import { HasMore, Id, LogNumber } from './fields.ts';
import { LIMITS } from './limits.ts';
import { Message } from './message.ts';
import { epoch, garden, message } from './story.ts';

/** Catching up. */
export const COMMANDS = {
  sync: command({
    summary: { en: 'Catch up on what was missed.', tr: 'Kaçırılan değişiklikleri getirir.' },
    description:
      'Each message whose `rev` is above the given `seq`, in order of `rev`, at most ' +
      `${LIMITS.sync_messages} a room. Rooms are filled in the order asked; those that no longer fit in an answer come ` +
      'with no messages and `has_more: true`. Ask again, with the new cursors, until no room has more. `reset: true` ' +
      '(another `epoch`, or a number above the head) comes with no messages and the current `head`: drop what you hold ' +
      'of that room and call `join_room`. A room that the caller may not read (any more) answers for itself alone, with ' +
      'the code in `error`. Send one at a time on a connection: a second one is answered `RATE_LIMITED` with ' +
      '`retry_after_ms`.',
    payload: z.strictObject({
      epoch: z.string().max(64),
      rooms: z.array(z.strictObject({ room_id: Id, seq: LogNumber })).max(LIMITS.sync_rooms),
    }),
    result: z.object({
      epoch: z.string(),
      rooms: z.array(
        z.union([
          z.object({ room_id: Id, head: LogNumber, messages: z.array(Message), has_more: HasMore, reset: z.boolean() }),
          z.object({ room_id: Id, error: z.enum(ERROR_CODES) }),
        ]),
      ),
    }),
    needs: 'signed in',
    longAnswer: true,
    admitted: true,
    rates: ['syncs', 'address_syncs'],
    errors: [],
    causes: [],
    example: {
      payload: { epoch, rooms: [{ room_id: garden, seq: 2 }] },
      result: { epoch, rooms: [{ room_id: garden, head: 3, messages: [message], has_more: false, reset: false }] },
    },
  }),
};
