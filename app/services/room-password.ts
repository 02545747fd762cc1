import { setTimeout as sleep } from 'node:timers/promises';
import { WRONG } from '../../protocol/words.ts';
import { Refusal } from '../models/refusal.ts';
import type { Store } from '../stores/store.ts';
import type { Guess, PasswordThrottle } from './limits/password-throttle.ts';
import type { PasswordService } from './password.ts';

/** What {@link RoomPasswords} work with. */
export interface RoomPasswordOptions {
  readonly passwords: PasswordService;
  readonly newId: () => string;
  /** Slows guessing; null: it is not limited. */
  readonly passwordThrottle: PasswordThrottle | null;
}

/** What a room is like from outside; null: the caller may know of none. */
export type Access = Awaited<ReturnType<Store['rooms']['access']>> | null;

/** Checks the passwords of rooms: slowly, and as long where there is no such room as where there is one. */
export class RoomPasswords {
  readonly #options: RoomPasswordOptions;
  #decoy: Promise<string> | undefined;

  constructor(options: RoomPasswordOptions) {
    this.#options = options;
  }

  /**
   * The hash that the password was found to match; null for a room that has none.
   * @throws Refusal `WRONG_PASSWORD`, `ROOM_NOT_FOUND`, `INVALID_INPUT` for the password of a public room,
   *   `RATE_LIMITED` after wrong ones
   */
  async verify(
    access: Access,
    password: string | undefined,
    who: { user_id: string; room_id: string; address: string },
  ): Promise<string | null> {
    if (access?.type === 'public') {
      if (password === undefined) return null;
      throw new Refusal('INVALID_INPUT', { field: 'password', detail: WRONG.publicRoom });
    }
    const hash = access?.password_hash ?? null;
    const wrong = hash === null ? new Refusal('ROOM_NOT_FOUND') : new Refusal('WRONG_PASSWORD', { field: 'password' });
    if (password === undefined) throw wrong;
    const guess = this.#options.passwordThrottle?.begin(who);
    if ((await this.#matches(password, hash, guess)) && hash !== null) {
      guess?.right();
      return hash;
    }
    guess?.wrong();
    await sleep(guess?.holdMs ?? 0);
    throw wrong;
  }

  /** Takes as long where there is no hash as where there is one. */
  async #matches(password: string, hash: string | null, guess: Guess | undefined): Promise<boolean> {
    const { passwords } = this.#options;
    try {
      this.#decoy ??= this.#makeDecoy();
      return await passwords.verify(password, hash ?? (await this.#decoy));
    } catch (error) {
      guess?.void();
      throw error;
    }
  }

  /** A hash that nothing matches. Where there was no time to make it, it is made anew the next time. */
  #makeDecoy(): Promise<string> {
    const { passwords, newId } = this.#options;
    const made = passwords.hash(newId());
    made.catch(() => {
      this.#decoy = undefined;
    });
    return made;
  }
}
