import { type Call, type Reply, readOf, refused } from '../engine.ts';
import type { Query, Reading } from '../query.ts';
import type { Connection } from './connection.ts';
import { numbered, type Statements } from './statements.ts';

/** A read while it runs: what it asks next, or its reply. */
interface UnderWay {
  readonly reading: Reading<unknown>;
  asks: readonly Query[];
  reply: Reply | null;
}

/**
 * Carries out reads on one connection, all in one snapshot, each round of questions of all of them in one round trip. What
 * asks a single question needs no transaction for that.
 */
export class Reads {
  readonly #connection: Connection;
  readonly #statements: Statements;
  /** Reads that have asked more than one question, by name. */
  readonly #many: Set<string>;

  constructor(connection: Connection, statements: Statements, many: Set<string>) {
    this.#connection = connection;
    this.#statements = statements;
    this.#many = many;
  }

  /** @throws what the database or a read throws: then none has a reply */
  async carryOut(calls: readonly Call[]): Promise<Reply[]> {
    if (!calls.some(({ name }) => this.#many.has(name))) {
      const replies = await this.#single(calls);
      if (replies !== null) return replies;
    }
    return await this.#together(calls);
  }

  /** Carries out reads that ask one question each; null when one asks more. */
  async #single(calls: readonly Call[]): Promise<Reply[] | null> {
    const reads = calls.map(begun);
    const isMany = (read: UnderWay) => read.asks.length > 1;
    if (!this.#note(calls, reads, isMany)) return null;
    await this.#round(reads);
    if (!this.#note(calls, reads, ({ reply }) => reply === null)) return null;
    return reads.map(({ reply }) => reply as Reply);
  }

  /** Takes note of reads that ask more than one question; whether there was none. */
  #note(calls: readonly Call[], reads: readonly UnderWay[], isMany: (read: UnderWay) => boolean): boolean {
    const found = calls.filter((_, i) => isMany(reads[i] as UnderWay));
    for (const { name } of found) this.#many.add(name);
    return found.length === 0;
  }

  async #together(calls: readonly Call[]): Promise<Reply[]> {
    const reads = calls.map(begun);
    try {
      await this.#round(reads, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      while (reads.some(({ reply }) => reply === null)) await this.#round(reads);
      return reads.map(({ reply }) => reply as Reply);
    } finally {
      // Nobody waits for it: what comes next on this connection comes behind it.
      if (this.#connection.lost === null) this.#connection.run('COMMIT').catch(() => {});
    }
  }

  /** Asks what the reads ask, and lets each go on with its answers. */
  async #round(reads: readonly UnderWay[], before?: string): Promise<void> {
    const asking = reads.filter(({ reply }) => reply === null);
    const [answers] = await this.#connection.together(() => {
      const begin = before === undefined ? null : this.#connection.run(before);
      return Promise.all([
        Promise.all(asking.map(({ asks }) => Promise.all(asks.map((query) => this.#ask(query))))),
        begin,
      ]);
    });
    for (const [i, read] of asking.entries()) proceed(read, () => read.reading.next(answers[i] as unknown[]));
  }

  async #ask(query: Query): Promise<unknown> {
    if (query.isEach && query.tuples.length === 0) return [];
    const { statement, values } = this.#statements.query(query);
    if (!query.isEach) return await this.#connection.rows(statement, values);
    return numbered(query.tuples.length, await this.#connection.arrays(statement, values));
  }
}

function begun({ name, input }: Call): UnderWay {
  const read: UnderWay = { reading: readOf(name).run(input), asks: [], reply: null };
  proceed(read, () => read.reading.next([]));
  return read;
}

/** Lets a read go on to its next questions, or to its end. */
function proceed(read: UnderWay, next: () => IteratorResult<readonly Query[], unknown>): void {
  try {
    const { done, value } = next();
    if (done === true) read.reply = { ok: true, value };
    else read.asks = value as readonly Query[];
  } catch (error) {
    read.reply = refused(error);
  }
}
