import { type Query, sql } from '../query.ts';

/** A part of a walk over all messages, by id. */
export interface Walk {
  /** The id of the last message of the part before; '' at the beginning. */
  readonly after: string;
  /** How many messages are looked at. */
  readonly rows: number;
}

/** The messages of a part, of which `columns` are wanted. */
export const partOf = (columns: string): string =>
  `(SELECT id, ${columns} FROM messages WHERE id > ? ORDER BY id LIMIT ?) m`;

const LAST = `SELECT max(id) AS last, count(*) AS looked FROM (SELECT id FROM messages WHERE id > ? ORDER BY id LIMIT ?) m`;

/** Where a part ends: the id of its last message, null when it has none, and how many it has. */
export interface PartEnd {
  readonly last: string | null;
  readonly looked: number;
}

/** Asks where a part ends. */
export const partEnd = ({ after, rows }: Walk): Query<PartEnd[]> => sql<PartEnd>(LAST, after, rows);

/** What the next part begins after; null when there is none. */
export const nextPart = ([end]: readonly PartEnd[], { rows }: Walk): string | null =>
  end === undefined || end.looked < rows ? null : end.last;
