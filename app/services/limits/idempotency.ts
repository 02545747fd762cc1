import type { CommandName } from '../../../protocol/commands.ts';
import type { Store } from '../../stores/store.ts';
import type { OnlineUser } from '../connection.ts';
import type { Presence } from '../presence.ts';

/** Where what was done before is found. */
export interface IdempotencyOptions {
  readonly store: Store;
  readonly presence: Presence;
}

/**
 * Answers a command that was carried out before under the same `client_id`, for one that the limits refuse: a client
 * that repeats what it has no answer to must not be told to wait for what is done already.
 */
export class Idempotency {
  readonly #options: IdempotencyOptions;

  constructor(options: IdempotencyOptions) {
    this.#options = options;
  }

  /** The answer to a repeat; undefined when the command is new, or carries no key. */
  async find(user: OnlineUser, name: CommandName, payload: object): Promise<object | undefined> {
    const { client_id, room_id } = payload as { client_id?: string; room_id?: string };
    if (client_id === undefined) return undefined;
    const { store, presence } = this.#options;
    if (name === 'create_room') {
      const room = await store.rooms.byClientId({ user_id: user.id, client_id });
      return room && { room: presence.room(room), duplicate: true };
    }
    if (name !== 'send_message' || room_id === undefined) return undefined;
    const message = await store.messages.byClientId({ room_id, user_id: user.id, client_id });
    return message && { message, duplicate: true };
  }
}
