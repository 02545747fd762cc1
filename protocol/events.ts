import type { z } from 'zod';
import { EVENTS as connection } from './connection.ts';
import type { EventDefinition } from './define.ts';
import { EVENTS as member } from './member.ts';
import { EVENTS as message } from './message.ts';
import { EVENTS as room } from './room.ts';
import { EVENTS as session } from './session.ts';
import { EVENTS as typing } from './typing.ts';
import { EVENTS as user } from './user.ts';

/** All events, server → client. */
export const EVENTS = {
  ...session,
  ...room,
  ...member,
  ...message,
  ...typing,
  ...user,
  ...connection,
} as const satisfies Readonly<Record<string, EventDefinition>>;

/** The name of an event. */
export type EventName = keyof typeof EVENTS;

/** The name of an event that is an entry of a room's log. */
export type LogEventName = {
  [E in EventName]: (typeof EVENTS)[E] extends EventDefinition<z.ZodType, true> ? E : never;
}[EventName];

/** The names of all events. */
export const EVENT_NAMES = Object.keys(EVENTS) as readonly string[] as readonly [EventName, ...EventName[]];

/** What an event holds. */
export type EventPayload<E extends EventName> = z.output<(typeof EVENTS)[E]['payload']>;
