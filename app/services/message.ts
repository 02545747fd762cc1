import type { CommandResult, ParsedPayload } from '../../protocol/commands.ts';
import type { WithRaw } from '../models/raw-json.ts';
import { Refusal } from '../models/refusal.ts';
import type { Store } from '../stores/store.ts';
import type { Connection, OnlineUser } from './connection.ts';
import type { Typing } from './typing.ts';

/** What messages need. */
export interface MessageOptions {
  readonly store: Store;
  readonly typing: Typing;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
}

/** Sending, changing and reading messages. A promise that resolves means that the change is on disk. */
export class Messages {
  readonly #options: MessageOptions;
  readonly #syncing = new WeakSet<Connection>();

  constructor(options: MessageOptions) {
    this.#options = options;
  }

  /** @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER` */
  send(
    user: OnlineUser,
    { room_id, content, client_id = null }: { room_id: string; content: string; client_id?: string | null | undefined },
  ): Promise<CommandResult<'send_message'>> {
    const { store, typing, now, newId } = this.#options;
    typing.stop(user, room_id);
    const { id: user_id, username } = user;
    return store.messages.send({ id: newId(), room_id, user_id, username, content, client_id, at: now() });
  }

  /** @throws Refusal `MESSAGE_NOT_FOUND`, `NOT_A_MEMBER`, `FORBIDDEN` */
  async edit(
    user: OnlineUser,
    { message_id, content }: ParsedPayload<'update_message'>,
  ): Promise<CommandResult<'update_message'>> {
    const { store, now } = this.#options;
    return { message: await store.messages.edit({ message_id, user_id: user.id, content, at: now() }) };
  }

  /** @throws Refusal `MESSAGE_NOT_FOUND`, `NOT_A_MEMBER`, `FORBIDDEN` */
  async delete(
    user: OnlineUser,
    { message_id }: ParsedPayload<'delete_message'>,
  ): Promise<CommandResult<'delete_message'>> {
    const { store, now } = this.#options;
    return { message: await store.messages.delete({ message_id, user_id: user.id, at: now() }) };
  }

  /** @throws Refusal `ROOM_NOT_FOUND`, `NOT_A_MEMBER` */
  async page(
    user: OnlineUser,
    { room_id, before, after, limit }: ParsedPayload<'get_messages'>,
  ): Promise<WithRaw<CommandResult<'get_messages'>>> {
    return await this.#options.store.messages.page({ room_id, user_id: user.id, before, after, limit });
  }

  /** What changed since the given numbers. @throws Refusal `RATE_LIMITED` while another one of this connection runs */
  async sync(
    connection: Connection,
    user: OnlineUser,
    { epoch, rooms }: ParsedPayload<'sync'>,
  ): Promise<WithRaw<CommandResult<'sync'>>> {
    const { store } = this.#options;
    if (this.#syncing.has(connection)) throw new Refusal('RATE_LIMITED', { retryAfterMs: 100 });
    this.#syncing.add(connection);
    try {
      // A number of another history stands above every head: the store then answers with a reset.
      const asked =
        epoch === store.epoch ? rooms : rooms.map(({ room_id }) => ({ room_id, seq: Number.MAX_SAFE_INTEGER }));
      return { epoch: store.epoch, rooms: await store.messages.sync({ user_id: user.id, rooms: asked }) };
    } finally {
      this.#syncing.delete(connection);
    }
  }
}
