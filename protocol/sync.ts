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
      'Each message whose `rev` is above the given number, in order of `rev`, at most 300 a room. Rooms are filled in ' +
      'the order asked; those that no longer fit come with no messages and `has_more: true`. `reset: true` (another ' +
      "epoch, or a number above the head) means: drop that room's state and `join_room`. One at a time a connection.",
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
