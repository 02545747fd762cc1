import { LIMITS } from '../../protocol/limits.ts';
import type { RateNumbers } from '../../protocol/rates.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Store } from '../stores/store.ts';
import { Chores } from './chores.ts';
import type { Delivery } from './delivery.ts';
import { departSome } from './departures.ts';
import { Dispatcher } from './dispatch.ts';
import { eraseSome } from './erasure.ts';
import { Expiry } from './expiry.ts';
import { createLimiting } from './limits/limiting.ts';
import type { Limits } from './limits/limits.ts';
import { Tail } from './log/tail.ts';
import { memberRoutes } from './member.ts';
import { messageIdempotency, messageRoutes } from './message.ts';
import { watchOutsideWrites } from './outside-writes.ts';
import { createPasswords } from './password.ts';
import { Presence } from './presence.ts';
import { roomIdempotency, roomRoutes } from './room.ts';
import { RoomPasswords } from './room-password.ts';
import { Sessions, sessionRoutes } from './session.ts';
import { createTokens } from './token.ts';
import { Typing, typingRoutes } from './typing.ts';
import { userRoutes } from './user.ts';

/** What {@link createServices} puts the services together from. */
export interface ServicesOptions {
  readonly store: Store;
  readonly delivery: Delivery;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  /** See `soundTimes`. */
  readonly seenNow: () => number;
  readonly issuedNow: () => number;
  readonly newId: () => string;
  /** What tokens are signed with. */
  readonly secret: string;
  /** All numbers of the limits by their flat names; null: nothing is limited. */
  readonly numbers: RateNumbers | null;
  readonly presenceGraceMs: number;
  readonly presenceBroadcastMax: number;
  readonly typingLapseMs: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The services of one server. */
export interface Services {
  readonly dispatcher: Dispatcher;
  readonly sessions: Sessions;
  readonly presence: Presence;
  /** Null: nothing is limited. */
  readonly limits: Limits | null;
  /** Begins what goes on by itself. */
  start(): Promise<void>;
  /** Ends that, and keeps who was here. No command may be under way. */
  close(): Promise<void>;
}

/** How often users' last activity is kept, in milliseconds. */
const SAVE_INTERVAL_MS = 10_000;

/** Puts the services together, whatever carries commands to them and events away. */
export async function createServices(options: ServicesOptions): Promise<Services> {
  const { store, delivery, now, seenNow, issuedNow, secret, numbers, newId, logger, metrics } = options;
  const typing = new Typing({ store, delivery, lapseMs: options.typingLapseMs });
  const presence = createPresence(options, typing);
  const tail = new Tail({ store, delivery, presence, logger, metrics });
  const limiting = numbers && createLimiting({ numbers, metrics });
  const limits = limiting?.limits ?? null;
  const common = { store, presence, tail, typing, delivery, metrics, now, newId };
  const chores = new Chores([(ended) => departSome(common, ended), (ended) => eraseSome(common, ended)], logger);
  const sessions = new Sessions({
    ...common,
    tokens: await createTokens(secret, now, issuedNow),
    seenNow,
    onRetired: () => chores.wake(),
    limits: {
      ...LIMITS,
      presence_grace_ms: options.presenceGraceMs,
      typing_lapse_ms: options.typingLapseMs,
      ...numbers,
    },
    connectionsPerUser: limits?.cap('connections_per_user') ?? Number.POSITIVE_INFINITY,
  });
  const expiry = new Expiry({ store, sessions, now, uptime: () => performance.now(), logger });
  const passwords = createPasswords();
  const roomPasswords = new RoomPasswords({ passwords, newId, passwordThrottle: limiting?.passwordThrottle ?? null });
  const roomsPerUser = limits?.cap('rooms_per_user') ?? Number.POSITIVE_INFINITY;
  const onAddition = (user_id: string) => limits?.addition(user_id) ?? (() => {});
  const routes = {
    ...sessionRoutes(sessions),
    ...roomRoutes({ ...common, passwords, roomsPerUser }),
    ...memberRoutes({ ...common, roomPasswords, roomsPerUser, onAddition }),
    ...userRoutes(common),
    ...messageRoutes(common),
    ...typingRoutes(typing),
  };
  const idempotency = { ...roomIdempotency(common), ...messageIdempotency(common) };
  const dispatcher = new Dispatcher({ routes, idempotency, limiting, presence, logger, metrics });
  const saving = setInterval(() => void presence.save(), SAVE_INTERVAL_MS);
  let unwatch = () => {};

  return {
    dispatcher,
    sessions,
    presence,
    limits,

    async start() {
      unwatch = await watchOutsideWrites({ store, tail, sessions, chores, logger });
      chores.wake();
      expiry.start();
    },

    async close() {
      clearInterval(saving);
      unwatch();
      await expiry.close();
      await chores.close();
      typing.close();
      limiting?.close();
      await presence.save();
      presence.close();
    },
  };
}

function createPresence(
  { store, delivery, now, seenNow, logger, metrics, ...options }: ServicesOptions,
  typing: Typing,
) {
  return new Presence({
    delivery,
    now,
    graceMs: options.presenceGraceMs,
    broadcastMax: options.presenceBroadcastMax,
    onSeen: (users) =>
      store.users.touch({ users, at: seenNow() }).then(
        () => true,
        (error: unknown) => {
          logger.warn({ err: error }, 'last activity was not kept');
          return false;
        },
      ),
    onCount: (online) => metrics.usersOnline.set(online),
    onLeft: (user, room_id) => typing.stop(user, room_id),
  });
}
