/** What a statement is given. Never null, for which a parameter has no type on PostgreSQL, and never a boolean. */
export type Value = string | number;

/** What a column holds. */
export type Cell = string | number | null;

/** A row as an engine gives it. */
export type AnyRow = Record<string, Cell>;

/**
 * A question to the database: a statement in SQL that every engine knows, with `?` for each value in order.
 * `Answer` is what it is answered with, in the order of the statement.
 */
export interface Query<Answer = unknown> {
  readonly text: string;
  /** The values: of `sql` one list, of `each` one list a row asked about. */
  readonly tuples: readonly (readonly Value[])[];
  /** Whether the answer is the rows of each tuple; if not, the rows of the only one. */
  readonly isEach: boolean;
  /** Carries the type alone. */
  readonly answer?: Answer;
}

/**
 * One statement. The text must be a constant, since statements are prepared and kept by it.
 * @returns what is answered with its rows
 */
export function sql<Row>(text: string, ...values: Value[]): Query<Row[]> {
  return { text, tuples: [values], isEach: false };
}

/**
 * One statement for each of many lists of values, all of the same types: SQLite runs it for each, PostgreSQL once for
 * all, by `LATERAL`, so that twenty rooms cost one round trip and one plan.
 * @returns what is answered with the rows of each list, in the order of the lists
 */
export function each<Row>(text: string, tuples: readonly (readonly Value[])[]): Query<Row[][]> {
  return { text, tuples, isEach: true };
}

/** The answers to questions that were asked together. */
export type Answers<Q extends readonly Query[]> = {
  [I in keyof Q]: Q[I] extends Query<infer Answer> ? Answer : never;
};

/** What a read is while it runs: it asks questions a round at a time, and ends with its result. */
export type Reading<O> = Generator<readonly Query[], O, readonly unknown[]>;

/** Asks questions that do not depend on each other's answers, in one round. Call with `yield*`. */
export function* ask<Q extends readonly Query[]>(...queries: Q): Reading<Answers<Q>> {
  return (yield queries) as Answers<Q>;
}
