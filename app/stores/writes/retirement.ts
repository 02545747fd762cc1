import type { Wanted } from '../known-rows.ts';
import type { Row } from '../tables.ts';
import type { Tx } from '../tx.ts';
import { NOTICE_COUNTER, notify } from './notice.ts';

/** The rows that {@link retire} and {@link revokeAll} get. */
export const retirementReads = (user_id: string): Wanted[] => [
  ['users', 'id', user_id],
  ['departures', 'id', user_id],
  NOTICE_COUNTER,
];

/**
 * Retires a user: from here on it can never come back, its name is free, and it is a member of nothing as far as any
 * rule looks. Its rooms are left one by one, each in a transaction of its own. Who is retired stays so.
 */
export function retire(tx: Tx, user: Row<'users'>, at: number): void {
  if (user.retired_at !== null) return;
  tx.update('users', user, { retired_at: at, name_key: null });
  if (tx.get('departures', 'id', user.id) === undefined) tx.insert('departures', { user_id: user.id });
}

/** Revokes every token of a user so far, by raising its generation. Call last, as `notify`. */
export function revokeAll(tx: Tx, user: Row<'users'>): void {
  const { generation } = user;
  tx.update('users', user, { generation: generation + 1 });
  notify(tx, { kind: 'tokens_revoked', subject: user.id, generation });
}
