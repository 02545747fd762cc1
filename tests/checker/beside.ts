import { randomUUID } from 'node:crypto';
import { type DataPlace, openSql, type Sql, tellServer, testEngine } from '../support/data.ts';
import type { Account } from './client.ts';
import type { Recorder } from './records.ts';

/**
 * Writes entries into a database beside a running server, as the command-line tools do: the server is not told, and
 * has to find them before it delivers what comes after.
 */
class WriterBeside implements AsyncDisposable {
  readonly #sql: Sql;
  readonly #author: Account;
  readonly #recorder: Recorder;
  readonly #written: { readonly id: string; readonly room_id: string }[] = [];
  #texts = 0;

  /** @param author whose messages they are; a member of every room that is written to */
  constructor(sql: Sql, author: Account, recorder: Recorder) {
    this.#sql = sql;
    this.#author = author;
    this.#recorder = recorder;
  }

  /** Adds messages to a room and changes some that it wrote before, in one transaction. */
  async write(room_id: string, messages: number, changes: number): Promise<void> {
    await this.#sql.run(testEngine() === 'sqlite' ? 'BEGIN IMMEDIATE' : 'BEGIN');
    for (let i = 0; i < messages; i++) await this.#send(room_id);
    const own = this.#written.filter((message) => message.room_id === room_id);
    for (let i = 0; i < changes; i++) {
      // The same one twice in a row, so that one number is overtaken before anybody reads it.
      const message = own[own.length - 1 - (i >> 1)];
      if (message !== undefined) await this.#edit(message);
    }
    await this.#sql.run('COMMIT');
  }

  /** Lets the server hear of what was written, where it does not look by itself. What comes late must do no harm. */
  async tell(): Promise<void> {
    await tellServer(this.#sql);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sql[Symbol.asyncDispose]();
  }

  async #send(room_id: string): Promise<void> {
    const { user_id, username } = this.#author;
    const seq = await this.#next(room_id);
    const id = randomUUID();
    await this.#sql.run(
      `INSERT INTO messages (id, room_id, changed, seq, rev, user_id, username, content, timestamp)
       VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?)`,
      ...[id, room_id, seq, seq, user_id, username, this.#text(), Date.now()],
    );
    this.#written.push({ id, room_id });
  }

  async #edit({ id, room_id }: { id: string; room_id: string }): Promise<void> {
    const rev = await this.#next(room_id);
    const text = 'UPDATE messages SET changed = 1, rev = ?, content = ?, edited_at = ? WHERE id = ?';
    await this.#sql.run(text, rev, this.#text(), Date.now(), id);
  }

  async #next(room_id: string): Promise<number> {
    const text = 'UPDATE rooms SET seq = seq + 1 WHERE id = ? RETURNING seq';
    const [row] = await this.#sql.all<{ seq: number }>(text, room_id);
    const number = Number(row?.seq);
    this.#recorder.beside.add(`${room_id} ${number}`);
    return number;
  }

  #text(): string {
    return `beside ${++this.#texts}`;
  }
}

/** Opens the database of a server to write to it beside the server: see {@link WriterBeside}. */
export async function openBeside(server: DataPlace, author: Account, recorder: Recorder): Promise<WriterBeside> {
  return new WriterBeside(await openSql(server), author, recorder);
}
