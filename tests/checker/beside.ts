import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { Account } from './client.ts';
import type { Recorder } from './records.ts';

/**
 * Writes entries into a database beside a running server, as the command-line tools do: the server is not told, and
 * has to find them before it delivers what comes after.
 */
export class WriterBeside implements Disposable {
  readonly #db: DatabaseSync;
  readonly #author: Account;
  readonly #recorder: Recorder;
  readonly #written: { readonly id: string; readonly room_id: string }[] = [];
  #texts = 0;

  /** @param author whose messages they are; a member of every room that is written to */
  constructor(path: string, author: Account, recorder: Recorder) {
    this.#db = new DatabaseSync(path, { timeout: 5_000 });
    this.#author = author;
    this.#recorder = recorder;
  }

  /** Adds messages to a room and changes some that it wrote before, in one transaction. */
  write(room_id: string, messages: number, changes: number): void {
    this.#db.exec('BEGIN IMMEDIATE');
    for (let i = 0; i < messages; i++) this.#send(room_id);
    const own = this.#written.filter((message) => message.room_id === room_id);
    for (let i = 0; i < changes; i++) {
      // The same one twice in a row, so that one number is overtaken before anybody reads it.
      const message = own[own.length - 1 - (i >> 1)];
      if (message !== undefined) this.#edit(message);
    }
    this.#db.exec('COMMIT');
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #send(room_id: string): void {
    const { user_id, username } = this.#author;
    const seq = this.#next(room_id);
    const id = randomUUID();
    this.#db
      .prepare(
        `INSERT INTO messages (id, room_id, seq, rev, user_id, username, content, timestamp)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(id, room_id, seq, seq, user_id, username, this.#text(), Date.now());
    this.#written.push({ id, room_id });
  }

  #edit({ id, room_id }: { id: string; room_id: string }): void {
    const rev = this.#next(room_id);
    const sql = 'UPDATE messages SET rev = ?, content = ?, edited_at = ? WHERE id = ?';
    this.#db.prepare(sql).run(rev, this.#text(), Date.now(), id);
  }

  #next(room_id: string): number {
    const sql = 'UPDATE rooms SET seq = seq + 1 WHERE id = ? RETURNING seq';
    const number = Number(this.#db.prepare(sql).get(room_id)?.['seq']);
    this.#recorder.beside.add(`${room_id} ${number}`);
    return number;
  }

  #text(): string {
    return `beside ${++this.#texts}`;
  }
}
