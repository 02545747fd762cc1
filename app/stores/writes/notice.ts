import type { Wanted } from '../known-rows.ts';
import type { NewRow } from '../tables.ts';
import type { Tx } from '../tx.ts';

/** The lock to hold, and the row to read, for {@link notify}. */
export const NOTICES = 'notices';

/** The row that {@link notify} gets. */
export const NOTICE_COUNTER: Wanted = ['counters', 'id', NOTICES];

/** Servers read notices within seconds. */
const KEPT = 10_000;
/** So many are removed together. */
const REMOVED = 100;

/**
 * Tells servers of what is in no room's log. Numbers are taken from a row that is locked, so that they are committed in
 * order. Call last: what is old is removed, which cannot be taken back.
 */
export function notify(tx: Tx, notice: Omit<NewRow<'notices'>, 'number'>): void {
  const counter = tx.get('counters', 'id', NOTICES);
  if (counter === undefined) throw new Error('The counter of notices is not there.');
  const number = counter.value + 1;
  tx.update('counters', counter, { value: number });
  tx.insert('notices', { ...notice, number });
  if (number % REMOVED === 0) tx.run('notices', 'DELETE FROM notices WHERE number <= ?', number - KEPT);
}
