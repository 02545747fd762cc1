import type { Query } from '../query.ts';
import type { Read } from '../read.ts';
import type { Database } from './database.ts';

/** Runs a read, within a transaction, so that all of it is of one snapshot. Throws what it throws. */
export function runRead<I, O>(db: Database, { run }: Pick<Read<I, O, unknown>, 'run'>, input: I): O {
  const reading = run(input);
  let step = reading.next([]);
  while (step.done !== true) step = reading.next(step.value.map((query) => answer(db, query)));
  return step.value;
}

function answer(db: Database, { text, tuples, isEach }: Query): unknown {
  const answers = tuples.map((values) => db.all(text, ...values));
  return isEach ? answers : answers[0];
}
