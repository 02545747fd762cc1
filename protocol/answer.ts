import { z } from 'zod';
import { ERROR_CODES } from './errors.ts';

/** Why a command was refused. `message` is for people, `code` for programs. */
export const ErrorBody = z
  .object({
    code: z.enum(ERROR_CODES).meta({ description: 'Stable; for programs.' }),
    message: z.string().meta({ description: 'For people, in the language of the connection.' }),
    field: z.string().optional().meta({ description: 'The field of the payload that is at fault.' }),
    retry_after_ms: z.int().min(0).optional().meta({ description: 'How long to wait before trying again.' }),
    suggestion: z
      .string()
      .optional()
      .meta({ description: 'Of `USERNAME_TAKEN`: a valid name like it that was free just now.' }),
  })
  .meta({ id: 'Error', description: 'Why a command was refused.' });

/** The acknowledgement of a command that was refused. */
export const Refused = z
  .object({ ok: z.literal(false), error: ErrorBody })
  .meta({ id: 'Refused', description: 'The acknowledgement of a command that was refused.' });

/** See the schema of the same name. */
export type ErrorBody = z.infer<typeof ErrorBody>;

/** The acknowledgement of a command whose result is `R`. */
export type Answer<R> = ({ ok: true } & R) | { ok: false; error: ErrorBody };
