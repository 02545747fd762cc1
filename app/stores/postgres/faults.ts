import { EngineFault, type Fault, type StoreFault } from '../fault.ts';

/**
 * SQLSTATEs, or the two characters of their class, that mean that the database cannot be used now, not that we erred:
 * postgresql.org/docs/current/errcodes-appendix.html.
 */
const STATES: ReadonlyMap<string, StoreFault> = new Map([
  ['08', 'away'], // the connection
  ['57', 'away'], // shut down, or starting
  ['57014', 'locked'], // statement_timeout
  ['55P03', 'locked'], // lock_timeout
  ['40', 'locked'], // deadlock, serialization
  ['23505', 'locked'], // another has just taken what is unique
  ['25006', 'read_only'], // a standby
  ['25P03', 'away'], // idle_in_transaction_session_timeout
  ['42501', 'read_only'], // no right
  ['53', 'unopened'], // connections, memory
  ['53100', 'full'],
  ['58', 'io'],
  ['XX001', 'damaged'],
  ['XX002', 'damaged'],
  ['28', 'unopened'], // who signs in
  ['3D', 'unopened'], // no such database
]);

/** What the system says when there is no way to the database. */
const SYSTEM = /^(E[A-Z]+|ERR_[A-Z_]+|[A-Z]+_[A-Z_]+)$/;

/** Races that two writers can lose: tried again, they mostly pass, or meet a rule that tells. */
const RACES: ReadonlySet<string> = new Set(['40001', '40P01', '23505']);

/** The SQLSTATE of what the database has thrown, or the system's word; empty when it is neither. */
export const stateOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

/** Whether another writer came between. */
export function isRace(error: unknown): boolean {
  return RACES.has(stateOf(error));
}

/** What a thrown value tells of the database: `other` when it is no fault of it. */
export function faultOf(error: unknown): Fault {
  if (error instanceof EngineFault) return error.fault;
  const state = stateOf(error);
  const text = state === '' ? String(error) : `${String(error)} (${state})`;
  if (state.length === 5 && /\d/.test(state))
    return { kind: STATES.get(state) ?? STATES.get(state.slice(0, 2)) ?? 'other', text };
  return { kind: SYSTEM.test(state) ? 'away' : 'other', text };
}

/** As the engine throws it. */
export function engineFault(error: unknown): EngineFault {
  return error instanceof EngineFault ? error : new EngineFault(faultOf(error), { cause: error });
}
