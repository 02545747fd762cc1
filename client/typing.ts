/** Someone who is writing. */
export interface TypingUser {
  readonly user_id: string;
  readonly username: string;
}

/** A typing user who is not heard of for this long is forgotten: 10 s. */
const FORGET_MS = 10_000;

/** Who is writing in a room. */
export class TypingUsers {
  /** Another array after each change. */
  users: readonly TypingUser[] = [];
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Takes what the server says of a user. */
  set({ user_id, username }: TypingUser, isTyping: boolean): void {
    clearTimeout(this.#timers.get(user_id));
    const wasTyping = this.#timers.delete(user_id);
    if (isTyping) {
      const forget = setTimeout(() => this.set({ user_id, username }, false), FORGET_MS);
      this.#timers.set(user_id, forget);
    }
    if (isTyping === wasTyping) return;
    const others = this.users.filter((user) => user.user_id !== user_id);
    this.users = isTyping ? [...others, { user_id, username }] : others;
    this.#onChange();
  }

  /** Forgets everyone. */
  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    if (this.users.length === 0) return;
    this.users = [];
    this.#onChange();
  }
}

/** While the user writes, the room is told this often; the server forgets after 8 s. */
const REPEAT_MS = 4_000;

/** Tells a room that this user writes, as often as needed and no more. */
export class TypingNotice {
  readonly #tell: (isTyping: boolean) => void;
  #toldAt = 0;

  constructor(tell: (isTyping: boolean) => void) {
    this.#tell = tell;
  }

  /** The user writes, or no longer writes. Call at each key press. */
  set(isTyping: boolean): void {
    if (isTyping ? Date.now() - this.#toldAt < REPEAT_MS : this.#toldAt === 0) return;
    this.#toldAt = isTyping ? Date.now() : 0;
    this.#tell(isTyping);
  }

  /** The server has forgotten it by itself: a message was sent, or the connection ended. */
  forget(): void {
    this.#toldAt = 0;
  }
}
