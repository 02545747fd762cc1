import { Refusal } from '../models/refusal.ts';
import type { Store } from '../stores/store.ts';
import type { Idempotency, Routes } from './dispatch.ts';
import type { Typing } from './typing.ts';

/** What the commands about messages work on. */
export interface MessageOptions {
  readonly store: Pick<Store, 'messages' | 'epoch'>;
  readonly typing: Typing;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
}

/** When a client that syncs twice at once may do it again, in milliseconds. */
const SYNC_RETRY_MS = 100;

/** Sending, changing and reading messages. What answers is on disk. */
export function messageRoutes({ store, typing, now, newId }: MessageOptions) {
  const { messages } = store;
  const syncing = new WeakSet<object>();
  return {
    send_message({ caller: { user }, payload: { room_id, content, client_id = null } }) {
      typing.stop(user, room_id);
      const { id: user_id, username } = user;
      return messages.send({ id: newId(), room_id, user_id, username, content, client_id, at: now() });
    },

    async update_message({ caller: { user }, payload }) {
      return { message: await messages.edit({ ...payload, user_id: user.id, at: now() }) };
    },

    async delete_message({ caller: { user }, payload }) {
      return { message: await messages.delete({ ...payload, user_id: user.id, at: now() }) };
    },

    get_messages({ caller: { user }, payload: { room_id, before, after, limit } }) {
      return messages.page({ room_id, user_id: user.id, before, after, limit });
    },

    /** One at a time a connection. */
    async sync({ caller, payload: { epoch, rooms } }) {
      const { connection = caller, user } = caller;
      if (syncing.has(connection)) throw new Refusal('RATE_LIMITED', { retryAfterMs: SYNC_RETRY_MS });
      syncing.add(connection);
      try {
        // A number of another history stands above every head: the store then answers with a reset.
        const asked =
          epoch === store.epoch ? rooms : rooms.map(({ room_id }) => ({ room_id, seq: Number.MAX_SAFE_INTEGER }));
        return { epoch: store.epoch, rooms: await messages.sync({ user_id: user.id, rooms: asked }) };
      } finally {
        syncing.delete(connection);
      }
    },
  } satisfies Partial<Routes>;
}

/** What finds messages that were sent before. */
export function messageIdempotency({ store }: Pick<MessageOptions, 'store'>) {
  return {
    async send_message({ caller: { user }, payload: { room_id, client_id = '' } }) {
      const message = await store.messages.byClientId({ room_id, user_id: user.id, client_id });
      return message && { message, duplicate: true };
    },
  } satisfies Partial<Idempotency>;
}
