/**
 * The tables as data: the types of their rows, and the statements that read a row by a key and write it follow from
 * this, on every engine. What else a schema has (indexes, checks) stands in the engines' `migrations/`; a test compares
 * the columns there with these.
 */
interface Table {
  /** By what one row is found: `id`, and other unique keys by their names. A row with a null in a key is not found by it. */
  readonly keys: { readonly id: readonly string[]; readonly [name: string]: readonly string[] };
  readonly columns: { readonly [column: string]: Column };
  readonly guard: Guard;
}

/**
 * What a column holds: `int` whole numbers that JavaScript holds exactly, times as milliseconds since 1970; a list: one of
 * these texts; `?`: may be null.
 */
type Column = 'text' | 'text?' | 'int' | 'int?' | readonly string[];

/** Whose lock a write must hold to change a row: of which table, and of the id in which column; null: of any of it. */
interface Guard {
  readonly of: LockName;
  readonly column: string | null;
}

/** What can be locked, in the order in which locks are taken. */
export const LOCKS = ['rooms', 'users', 'counters'] as const;
/** See {@link LOCKS}. */
export type LockName = (typeof LOCKS)[number];

/** All tables that writes change. */
export const TABLES = {
  users: {
    guard: { of: 'users', column: 'id' },
    keys: { id: ['id'], name: ['name_key'] },
    columns: {
      id: 'text',
      username: 'text',
      name_key: 'text?', // null when the user holds no name
      generation: 'int', // tokens of an older one are revoked
      created_at: 'int',
      connected_at: 'int',
      last_activity: 'int',
      retired_at: 'int?', // since then the user can never come back
      seen_at: 'int', // when the user was last online, to some hours
    },
  },
  revoked_tokens: {
    guard: { of: 'users', column: null },
    keys: { id: ['token_id'] },
    columns: { token_id: 'text', expires_at: 'int' },
  },
  // Retired users who have not left all of their rooms yet.
  departures: {
    guard: { of: 'users', column: 'user_id' },
    keys: { id: ['user_id'] },
    columns: { user_id: 'text' },
  },
  // Numbers that are counted up, and names for what one call at a time may do.
  counters: {
    guard: { of: 'counters', column: 'name' },
    keys: { id: ['name'] },
    columns: { name: 'text', value: 'int' },
  },
  // What servers must hear of that is in no room's log.
  notices: {
    guard: { of: 'counters', column: null },
    keys: { id: ['number'] },
    columns: {
      number: 'int',
      kind: ['token_revoked', 'tokens_revoked', 'room_deleted'],
      subject: 'text', // the id of the user or the room
      token_id: 'text?', // of token_revoked
      generation: 'int?', // of tokens_revoked: tokens up to this one
    },
  },
  rooms: {
    guard: { of: 'rooms', column: 'id' },
    keys: { id: ['id'], client_id: ['created_by', 'client_id'] },
    columns: {
      id: 'text',
      name: 'text',
      name_key: 'text',
      type: ['public', 'private'],
      password_hash: 'text?',
      created_by: 'text',
      owner_id: 'text?',
      created_at: 'int',
      active_at: 'int',
      seq: 'int', // the number of the newest entry of the log
      user_count: 'int',
      client_id: 'text?',
      listed_at: 'int?', // `listedAt` of models/room.ts
    },
  },
  members: {
    guard: { of: 'rooms', column: 'room_id' },
    keys: { id: ['room_id', 'user_id'] },
    columns: { room_id: 'text', user_id: 'text', joined_seq: 'int' },
  },
  messages: {
    guard: { of: 'rooms', column: 'room_id' },
    keys: { id: ['id'], client_id: ['room_id', 'user_id', 'client_id'] },
    columns: {
      id: 'text',
      room_id: 'text',
      changed: 'int', // 0 while `rev` is `seq`, else 1: those stand apart, so that a read passes over nothing
      seq: 'int', // its place
      rev: 'int', // the number of its newest change
      user_id: 'text',
      username: 'text',
      content: 'text',
      timestamp: 'int',
      system: 'text?', // JSON
      edited_at: 'int?',
      deleted_at: 'int?',
      client_id: 'text?',
    },
  },
  // Rooms that were deleted and users who were erased, until all of it is done.
  erasures: {
    guard: { of: 'counters', column: null },
    keys: { id: ['kind', 'subject'] },
    columns: {
      kind: ['room', 'user'],
      subject: 'text', // the id of the room or the user
      begun_at: 'int',
      reached: 'int', // how many rows are done
      total: 'int', // about as much as `reached` has to become
      position: 'text', // of a user: the id of the last message that was looked at
    },
  },
} as const satisfies Record<string, Table>;

interface Values {
  text: string;
  'text?': string | null;
  int: number;
  'int?': number | null;
}

type CellOf<C> = C extends readonly (infer Text)[] ? Text : C extends keyof Values ? Values[C] : never;

/** The name of a table. */
export type TableName = keyof typeof TABLES;

/** The name of a key of a table. */
export type KeyName<T extends TableName> = keyof (typeof TABLES)[T]['keys'] & string;

/** A row of a table. */
export type Row<T extends TableName> = {
  -readonly [C in keyof (typeof TABLES)[T]['columns']]: CellOf<(typeof TABLES)[T]['columns'][C]>;
};

/** The columns of a table that may be null. */
type Nullable<T extends TableName> = {
  [C in keyof Row<T>]: null extends Row<T>[C] ? C : never;
}[keyof Row<T>];

/** A row to add: what may be null may be left out, and is null then. */
export type NewRow<T extends TableName> = Omit<Row<T>, Nullable<T>> & Partial<Pick<Row<T>, Nullable<T>>>;

const NULLABLE = new Map<TableName, readonly string[]>(
  (Object.keys(TABLES) as TableName[]).map((table) => {
    const columns = Object.entries<Column>(TABLES[table].columns);
    return [table, columns.filter(([, kind]) => String(kind).endsWith('?')).map(([column]) => column)];
  }),
);

/** Makes a row whole, the same object: what was left out is null. */
export function wholeRow<T extends TableName>(table: T, row: NewRow<T>): Row<T> {
  const whole: Record<string, unknown> = row;
  for (const column of NULLABLE.get(table) ?? []) if (whole[column] === undefined) whole[column] = null;
  return whole as Row<T>;
}

/** The columns of a table, in the order in which statements name them. */
export const columnsOf = (table: TableName): readonly string[] => Object.keys(TABLES[table].columns);

/** The columns of a key. */
export const keyOf = (table: TableName, key = 'id'): readonly string[] => (TABLES[table] as Table).keys[key] ?? [];

/** All keys of a table, by name. */
export const keysOf = (table: TableName): Table['keys'] => TABLES[table].keys;

/** What guards a table's rows. */
export const guardOf = (table: TableName): Guard => TABLES[table].guard;

/** Whether a column holds numbers. */
export const isNumeric = (table: TableName, column: string): boolean =>
  /^int/.test(String((TABLES[table] as Table).columns[column]));
