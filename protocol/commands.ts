import type { z } from 'zod';
import type { Command, Needs } from './define.ts';
import type { EventName } from './events.ts';
import { COMMANDS as member } from './member.ts';
import { COMMANDS as message } from './message.ts';
import { COMMANDS as room } from './room.ts';
import { COMMANDS as session } from './session.ts';
import { COMMANDS as sync } from './sync.ts';
import { COMMANDS as typing } from './typing.ts';
import { COMMANDS as user } from './user.ts';

/** All commands, client → server. */
export const COMMANDS = {
  ...session,
  ...room,
  ...member,
  ...user,
  ...message,
  ...sync,
  ...typing,
} as const satisfies Readonly<Record<string, Command<z.ZodObject, z.ZodType, Needs, EventName>>>;

/** The name of a command. */
export type CommandName = keyof typeof COMMANDS;

/** The names of all commands. */
export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly string[] as readonly [CommandName, ...CommandName[]];

/** What a client may write as the payload of a command. */
export type CommandPayload<C extends CommandName> = z.input<(typeof COMMANDS)[C]['payload']>;

/** The payload of a command as the server sees it: checked, with the defaults filled in. */
export type ParsedPayload<C extends CommandName> = z.output<(typeof COMMANDS)[C]['payload']>;

/** What the acknowledgement of a command holds beside `ok: true`. */
export type CommandResult<C extends CommandName> = z.output<(typeof COMMANDS)[C]['result']>;
