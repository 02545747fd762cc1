// Loaded into the server before its own code: now and then a worker of the store, or what the database answers, is held
// back. Others then see a commit long before the server hears of it, and the server hears of commits that a snapshot does
// not know.
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, parentPort } from 'node:worker_threads';
import { Client } from 'pg';

const SHARE = 0.3;
const LONGEST_MS = 40;
/** There are several answers to a batch. */
const SHARE_OF_ANSWERS = 0.06;
const never = new Int32Array(new SharedArrayBuffer(4));

if (parentPort !== null) {
  const post = parentPort.postMessage.bind(parentPort);
  parentPort.postMessage = (...message: Parameters<typeof post>) => {
    if (Math.random() < SHARE) Atomics.wait(never, 0, 0, Math.random() * LONGEST_MS);
    post(...message);
  };
}

/** How the store asks: the answer comes to a function. */
type Ask = (this: Client, query: unknown, callback?: (...answer: unknown[]) => void) => unknown;

if (isMainThread) {
  const clients = Client.prototype as unknown as { query: Ask };
  const { query } = clients;
  /** When the answers to each connection are given; they keep their order. */
  const given = new WeakMap<Client, Promise<void>>();
  clients.query = function (asked, callback) {
    if (callback === undefined) return query.call(this, asked);
    return query.call(this, asked, (...answer) => {
      const waitMs = Math.random() < SHARE_OF_ANSWERS ? Math.random() * LONGEST_MS : 0;
      const before = given.get(this) ?? Promise.resolve();
      const turn = before.then(() => (waitMs > 0 ? delay(waitMs) : undefined)).then(() => callback(...answer));
      given.set(this, turn);
    });
  };
}
