import { z } from 'zod';
import { ErrorBody } from './answer.ts';
import { event } from './define.ts';

/** The events about a connection. */
export const EVENTS = {
  server_closing: event({
    summary: {
      en: 'The server stops: come back after a while.',
      tr: 'Sunucu kapanıyor: biraz sonra yeniden bağlanın.',
    },
    to: 'Every connection of a server that is stopped, at its own turn; the connection then ends.',
    payload: z.object({
      retry_after_ms: z
        .int()
        .min(0)
        .meta({ description: 'How long to wait before connecting again; differs for each.' }),
    }),
    example: { retry_after_ms: 1840 },
  }),

  error: event({
    summary: { en: 'A command without a callback was refused.', tr: 'Geri çağrısı olmayan bir komut reddedildi.' },
    to: 'The caller of a command that was refused and had no callback.',
    payload: ErrorBody.extend({ event: z.string().meta({ description: 'The name of the command.' }) }),
    example: {
      code: 'NOT_A_MEMBER' as const,
      message: 'You are not a member of this room.',
      event: 'send_message',
    },
  }),
};
