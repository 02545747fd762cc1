import type { Query } from './query.ts';
import type { Change } from './tx.ts';

/** A database that no server uses meanwhile, as it is copied: as a whole, in one transaction. It knows no noun and no rule. */
export interface WholeDatabase {
  /** What to call it when people are told of it; without a password. */
  readonly name: string;
  /** The names of the tables that it has; none of ours when it is new. */
  tables(): Promise<ReadonlySet<string>>;
  /**
   * Brings its schema to the newest, as the start of a server does, and begins the transaction. Until that ends, nobody
   * else writes to our tables.
   * @throws Error when it is of a newer version of this program, or somebody else does not let go of it
   */
  begin(): Promise<void>;
  /** Asks one question. Call after `begin`, but for tables that are there. */
  ask<Row>(query: Query<Row[]>): Promise<Row[]>;
  /** Writes within the transaction. */
  change(change: Change): Promise<void>;
  /** Identifies the history, as clients know it. */
  epoch(): Promise<string>;
  /** Gives the history another name, within the transaction. */
  setEpoch(epoch: string): Promise<void>;
  /** Ends the transaction: all of it is on the disk then. @throws Error when it could not be, and nothing of it is */
  commit(): Promise<void>;
  /** Lets go of the database; what was not committed is undone. */
  close(): Promise<void>;
}
