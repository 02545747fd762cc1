import type { Connection } from '../connection.ts';

/**
 * Runs the changes of a connection's subscriptions one after another. It holds only connections that have a change under
 * way.
 */
export class SubscriptionQueue {
  readonly #last = new Map<Connection, Promise<unknown>>();

  /** How many connections have a change under way. */
  get size(): number {
    return this.#last.size;
  }

  /** Runs a change after those before it, however they ended. Settles as the change does. */
  run<T>(connection: Connection, change: () => Promise<T>): Promise<T> {
    const changed = (this.#last.get(connection) ?? Promise.resolve()).then(change);
    this.#keep(
      connection,
      changed.catch(() => {}),
    );
    return changed;
  }

  /** Lets later changes wait for one that has begun, which never rejects. */
  add(connection: Connection, change: Promise<void>): void {
    const before = this.#last.get(connection);
    this.#keep(connection, before === undefined ? change : before.then(() => change));
  }

  #keep(connection: Connection, last: Promise<unknown>): void {
    this.#last.set(connection, last);
    void last.then(() => {
      if (this.#last.get(connection) === last) this.#last.delete(connection);
    });
  }
}
