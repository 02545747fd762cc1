import type { User } from '../protocol/user.ts';

/** No more members than this are kept of a room; the whole list of a larger one comes from `getUsers`. */
const MEMBERS_MAX = 200;

/** The first members of a room, longest-standing first, and who of them is online. */
export class Members {
  /** Another array after each change. */
  users: readonly User[] = [];

  /** Begins anew with a page. */
  reset(users: readonly User[]): void {
    this.users = users;
  }

  /** Takes a new member, as long as the list is complete and short. */
  joined(user: User, count: number): void {
    const others = this.users.filter((other) => other.id !== user.id);
    if (others.length >= MEMBERS_MAX || others.length + 1 < count) this.presence(user.id, user.is_active);
    else this.users = [...others, user];
  }

  /** Someone is no member any more. */
  left(user_id: string): void {
    this.users = this.users.filter((user) => user.id !== user_id);
  }

  /** A member went on- or offline; true when something changed. */
  presence(user_id: string, is_active: boolean): boolean {
    const at = this.users.findIndex((user) => user.id === user_id && user.is_active !== is_active);
    const known = this.users[at];
    if (known === undefined) return false;
    this.users = this.users.map((user) => (user === known ? { ...known, is_active } : user));
    return true;
  }
}
