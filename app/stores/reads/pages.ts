import { type CursorKeys, decodeCursor, encodeCursor, type Page } from '../../models/cursor.ts';

/** What one page of a list is asked with. */
export interface PageInput {
  /** The `next` of the page before. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** How rows become the items of a page. */
export interface Paging<Row, T> {
  readonly limit: number;
  readonly item: (row: Row) => T;
  /** What the list is sorted by. */
  readonly keys: (row: Row) => CursorKeys;
}

/** A page of rows, of which one more than `limit` was asked for. */
export function toPage<Row, T>(rows: readonly Row[], { limit, item, keys }: Paging<Row, T>): Page<T> {
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return { items: shown.map(item), next: last === undefined ? null : encodeCursor(keys(last)) };
}

/** A page of a list in the order of ids. */
export function pageById<Row extends { readonly id: string }, T>(
  rows: readonly Row[],
  limit: number,
  item: (row: Row) => T,
): Page<T> {
  return toPage(rows, { limit, item, keys: ({ id }) => [id] });
}

/** The id after which a page of such a list begins. @throws Refusal `INVALID_INPUT` when it is no cursor */
export const idBefore = (after: string | undefined): string =>
  after === undefined ? '' : String(decodeCursor(after, ['string'])[0]);
