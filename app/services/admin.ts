import type { Message } from '../../protocol/message.ts';
import { Refusal } from '../models/refusal.ts';
import type { StoredRoom } from '../models/room.ts';
import type { StoredUser } from '../models/user.ts';
import type { ToolStore } from '../stores/store.ts';
import { leaveAllRooms } from './departures.ts';
import { type FinishOptions, finishErasure, type Progress } from './erasure.ts';
import { pages } from './pages.ts';
import { type Pruned, type PruneRequest, prune } from './prune.ts';

/** What is known of one user, for the user to take away. */
export interface UserExport {
  readonly user: StoredUser;
  readonly memberships: readonly { readonly room_id: string; readonly name: string; readonly joined_seq: number }[];
  readonly messages: readonly Message[];
}

/** What the tools need. */
export interface AdminOptions extends FinishOptions {
  readonly store: ToolStore;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
}

const ROWS_A_STEP = 1_000;

/** What the command-line tools do to a database, beside a running server or without one. */
export class Admin {
  readonly #options: AdminOptions;
  readonly #store: ToolStore;
  readonly #now: () => number;

  constructor(options: AdminOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#now = options.now;
  }

  /** All rooms whose name contains `query`. */
  rooms(query: string | undefined): AsyncGenerator<StoredRoom> {
    return pages((after) => this.#store.admin.rooms({ query, after, limit: ROWS_A_STEP }));
  }

  /** All users whose name contains `query`. */
  users(query: string | undefined): AsyncGenerator<StoredUser> {
    return pages((after) => this.#store.admin.users({ query, after, limit: ROWS_A_STEP }));
  }

  /**
   * Gives a room to one of its members; a system message says so.
   * @throws Refusal `ROOM_NOT_FOUND`, and `USER_NOT_FOUND` when the user is no member
   */
  async setOwner(room_id: string, user_id: string): Promise<void> {
    await this.#store.admin.setOwner({ room_id, user_id, message_id: this.#options.newId(), at: this.#now() });
  }

  /**
   * Removes a room and its history; its members are told `room_deleted`. The room is gone for everybody at once, and its
   * history when this resolves, or, when this is interrupted, soon after in a server that runs or is started.
   * @throws Refusal `ROOM_NOT_FOUND`
   */
  async deleteRoom(room_id: string, onProgress: Progress = () => {}): Promise<void> {
    const erased = { kind: 'room', id: room_id } as const;
    if ((await this.#store.admin.erasure(erased)) === undefined)
      await this.#store.admin.deleteRoom({ room_id, at: this.#now() });
    await finishErasure(this.#options, erased, onProgress);
  }

  /** Removes what nobody uses any more; see `prune`. */
  prune(request: PruneRequest): Promise<Pruned> {
    return prune(this.#options, request);
  }

  /** Everything of one user. @throws Refusal `USER_NOT_FOUND` */
  async exportUser(user_id: string, onProgress: Progress): Promise<UserExport> {
    const user = await this.#store.admin.user({ user_id });
    if (user === undefined) throw new Refusal('USER_NOT_FOUND');
    const memberships = await this.#store.admin.memberships({ user_id });
    const messages: Message[] = [];
    await this.#scan(onProgress, async (after) => {
      const page = await this.#store.admin.messagesOf({ user_id, after, rows: ROWS_A_STEP });
      messages.push(...page.messages);
      return page.next;
    });
    return { user, memberships, messages };
  }

  /**
   * Erases a user: tokens revoked, connections ended, memberships ended, messages made tombstones, and the name
   * replaced in system messages, each change with a number of its own, so that every client learns of it. What is left
   * when this is interrupted is done by a server that runs or is started.
   * @throws Refusal `USER_NOT_FOUND` when there is neither the user nor anything that tells of it
   */
  async eraseUser(user_id: string, onProgress: Progress): Promise<void> {
    // Of who was removed by pruning, rooms still tell that it came and went.
    if (!(await this.#tellsOf(user_id))) throw new Refusal('USER_NOT_FOUND');
    await this.#store.admin.eraseUser({ user_id, at: this.#now() });
    await leaveAllRooms(this.#options, user_id);
    await finishErasure(this.#options, { kind: 'user', id: user_id }, onProgress);
  }

  /** Revokes every token of a user; its connections end, and a guest leaves its rooms. @throws Refusal `USER_NOT_FOUND` */
  async revokeTokens(user_id: string): Promise<void> {
    if ((await this.#store.admin.user({ user_id })) === undefined) throw new Refusal('USER_NOT_FOUND');
    const { retired } = await this.#store.users.revoke({ user_id, token_id: null, expires_at: 0, at: this.#now() });
    if (retired) await leaveAllRooms(this.#options, user_id);
  }

  /** Whether there is such a user, or any message of one or about one. */
  async #tellsOf(user_id: string): Promise<boolean> {
    let after: string | null = '';
    while (after !== null) {
      const part: { tells: boolean; next: string | null } = await this.#store.admin.tellsOf({
        user_id,
        after,
        rows: ROWS_A_STEP,
      });
      if (part.tells) return true;
      after = part.next;
    }
    return false;
  }

  /** Walks over all messages in steps. */
  async #scan(onProgress: Progress, step: (after: string) => Promise<string | null>): Promise<void> {
    const total = await this.#store.admin.countMessages();
    let after: string | null = '';
    let done = 0;
    while (after !== null) {
      after = await step(after);
      done = Math.min(total, done + ROWS_A_STEP);
      onProgress(after === null ? total : done, total);
    }
  }
}
