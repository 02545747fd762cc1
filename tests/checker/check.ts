import { checkDatabase } from './check-database.ts';
import { checkReads } from './check-reads.ts';
import { checkRefused, checkStates } from './check-states.ts';
import { checkStream } from './check-streams.ts';
import { checkWrites, describeCall } from './check-writes.ts';
import type { Finding } from './findings.ts';
import { Knowledge } from './knowledge.ts';
import type { History } from './records.ts';
import { readLogs } from './room-log.ts';
import type { Stored } from './stored.ts';

/**
 * Holds what many clients saw against the database: nothing acknowledged is lost, nothing is there twice, every
 * connection got every room in order and without a gap, all agree, and nobody was told what was not for them.
 * @returns every breach, with a counterexample; none when the promise was kept
 */
export function check(history: History, stored: Stored): Finding[] {
  const logs = readLogs(stored);
  const knowledge = new Knowledge(history);
  return [
    ...history.faults.map((text): Finding => ({ kind: 'fault', text })),
    ...checkDatabase(stored, logs),
    ...checkWrites(history, logs, knowledge),
    ...checkReads(history, logs, knowledge),
    ...checkStates(history, logs, knowledge),
    ...checkRefused(history, knowledge, logs.values()),
    ...history.connections.flatMap((connection) => [...checkStream(connection, logs)]),
    ...checkCodes(history),
  ];
}

/** The codes that say that the server erred, or that a test did. */
const NEVER = new Set(['INTERNAL', 'INVALID_INPUT', 'UNKNOWN_COMMAND', 'UNAUTHENTICATED', 'INVALID_TOKEN']);

function* checkCodes(history: History): Generator<Finding> {
  for (const call of history.calls) {
    if (call.answer?.ok !== false || !NEVER.has(call.answer.error.code)) continue;
    const { code, message } = call.answer.error;
    yield { kind: 'fault', text: `${describeCall(call)} was refused ${code}: ${message}` };
  }
}
