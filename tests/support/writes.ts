import { Refusal } from '../../app/models/refusal.ts';
import { type Reply, readOf } from '../../app/stores/engine.ts';
import type { LogEntry } from '../../app/stores/entry.ts';
import { Database } from '../../app/stores/sqlite/database.ts';
import { migrate } from '../../app/stores/sqlite/migrations.ts';
import { runRead } from '../../app/stores/sqlite/read.ts';
import { Writer } from '../../app/stores/sqlite/transact.ts';
import type { Nouns } from '../../app/stores/store.ts';
import { newId } from './records.ts';

/** The names of all writes, such as `messages.send`, with what each takes and answers. */
type Method<Name extends string> = Name extends `${infer N extends keyof Nouns & string}.${infer M}`
  ? M extends keyof Nouns[N]
    ? Nouns[N][M]
    : never
  : never;

/** What a read or a write of a name takes. */
export type Input<Name extends string> = Method<Name> extends (input: infer I) => unknown ? I : never;
type Output<Name extends string> = Method<Name> extends (input: never) => Promise<infer O> ? O : never;

/** A database in memory, in this thread. A row that a write gets and does not declare fails it. */
export class TestWrites implements Disposable {
  readonly db = new Database(':memory:');
  /** All entries that were told, in order. */
  readonly entries: LogEntry[] = [];
  readonly #writer: Writer;

  constructor() {
    migrate(this.db);
    this.#writer = new Writer(this.db, (call, wanted) => {
      throw new Error(`${call} does not declare that it reads ${wanted.join(' ')}`);
    });
  }

  /** Carries out one call in a transaction of its own. @throws Refusal */
  call<const Name extends string>(name: Name, input: Input<Name>): Output<Name> {
    const [reply] = this.batch([name, input]);
    if (reply?.ok) return reply.value as Output<Name>;
    throw reply === undefined
      ? new Error('no reply')
      : new Refusal(reply.code, 'details' in reply ? reply.details : {});
  }

  /** The code that one call is refused with. */
  refusal<const Name extends string>(name: Name, input: Input<Name>): string {
    const before = this.state();
    const [reply] = this.batch([name, input]);
    if (reply === undefined || reply.ok) throw new Error(`${name} was not refused`);
    if (this.state() !== before) throw new Error(`${name} was refused ${reply.code}, and has changed something`);
    return reply.code;
  }

  /** What a read answers. @throws Refusal */
  read<const Name extends string>(name: Name, input: Input<Name>): Output<Name> {
    const read = readOf(name);
    const output = runRead(this.db, read, input);
    return (read.revive === undefined ? output : read.revive(output)) as Output<Name>;
  }

  /** Carries out calls in one transaction. */
  batch(...calls: (readonly [name: string, input: unknown])[]): readonly Reply[] {
    const { replies, entries } = this.#writer.write(calls.map(([name, input]) => ({ name, input })));
    this.entries.push(...entries);
    return replies;
  }

  /** Rows of the database, each as JSON shows it. */
  rows(sql: string, ...values: (string | number)[]): unknown[] {
    return this.db.all<object>(sql, ...values).map((row) => ({ ...row }));
  }

  /** The first value of the first row. */
  value(sql: string, ...values: (string | number)[]): unknown {
    return Object.values(this.db.get<object>(sql, ...values) ?? {})[0];
  }

  /** All that is stored, as one text. */
  state(): string {
    const tables = [
      'users',
      'revoked_tokens',
      'departures',
      'counters',
      'notices',
      'rooms',
      'members',
      'messages',
      'erasures',
    ];
    return JSON.stringify(
      tables.map((table) =>
        this.rows(`SELECT * FROM ${table}`)
          .map((row) => JSON.stringify(row))
          .sort(),
      ),
    );
  }

  /** A new guest's id. */
  user(username = `guest ${newId()}`, at = 1): string {
    return this.call('users.create', { id: newId(), username, at }).id;
  }

  /** A new room's id; `user_id` owns it. */
  room(user_id: string, changed: Partial<Input<'rooms.create'>> = {}): string {
    const room = { room_id: newId(), message_id: newId(), name: 'garden', type: 'public', client_id: null } as const;
    const input = { ...room, password_hash: null, user_id, rooms_max: 1_000, at: 1, ...changed };
    return this.call('rooms.create', input).room.id;
  }

  /** Lets users join a public room. */
  join(room_id: string, ...user_ids: string[]): void {
    for (const user_id of user_ids)
      this.call('rooms.join', { room_id, user_id, message_id: newId(), rooms_max: 1_000, verified_hash: null, at: 1 });
  }

  /** A new message's id. */
  send(room_id: string, user_id: string, changed: Partial<Input<'messages.send'>> = {}): string {
    const message = { id: newId(), room_id, user_id, username: 'ada', content: 'hello', client_id: null, at: 1 };
    return this.call('messages.send', { ...message, ...changed }).message.id;
  }

  [Symbol.dispose](): void {
    this.db.close();
  }
}
