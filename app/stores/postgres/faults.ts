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

/** What `pg` says when nobody answers, or no more. */
const SILENT = /timeout expired|Connection terminated/;

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
  return { kind: SYSTEM.test(state) || SILENT.test(text) ? 'away' : 'other', text };
}

/** As the engine throws it. */
export function engineFault(error: unknown): EngineFault {
  return error instanceof EngineFault ? error : new EngineFault(faultOf(error), { cause: error });
}

/** What to do about a database that cannot be used, by SQLSTATE or its class. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ['28P01', 'The password or the name of the user in DATABASE_URL is wrong.'],
  ['28', 'The server does not let this user in: see the user in DATABASE_URL, and pg_hba.conf.'],
  ['3D', 'Make it with `createdb`, or correct DATABASE_URL.'],
  ['3F', 'No schema of the search_path of this user is there: make one.'],
  ['42501', 'The user in DATABASE_URL must own the schema: `ALTER SCHEMA public OWNER TO …`, or own the database.'],
  ['25006', 'It is a standby, or may only be read: DATABASE_URL must name the primary.'],
  ['55000', 'It is a standby: DATABASE_URL must name the primary.'],
  ['53300', 'Raise max_connections, or end what holds them: this server needs 4, and each tool as many.'],
  ['53100', 'The disk is full: make room.'],
  ['53', 'It has too few resources left.'],
  ['57P03', 'It is starting or stopping: try again in a moment.'],
  ['XX', 'It is damaged, or has a fault: see its log.'],
]);

const NOT_THERE = 'No server answers: start PostgreSQL, or correct DATABASE_URL.';
const NO_TLS =
  'See `sslmode` in DATABASE_URL: verify-full wants a server with TLS and a certificate that this machine trusts, or whose issuer stands in the file `sslrootcert`.';

/** Why a database cannot be used when it is opened: the cause, and what to do, in one line. */
export function explainFault(where: string, error: unknown): string {
  const cause = error instanceof Error && error.message !== '' ? error.message : stateOf(error) || String(error);
  return `Cannot open the database ${where}: ${cause.replace(/\.$/, '')}. ${remedyFor(error)}`.trimEnd();
}

/** What the SQLSTATE alone does not tell, by the words of the database. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/denied for function/, 'Let the user in DATABASE_URL call it: `GRANT EXECUTE ON FUNCTION … TO …`.'],
  // Amazon Aurora says so where others tell their timeline.
  [
    /wal_level/,
    'Set it to logical (on Aurora `rds.logical_replication`): the history of a database is known by its log.',
  ],
];

function remedyFor(error: unknown): string {
  const state = stateOf(error);
  const told = WORDS.find(([words]) => words.test(String(error)));
  if (told !== undefined) return told[1];
  const remedy = REMEDIES.get(state) ?? REMEDIES.get(state.slice(0, 2));
  if (remedy !== undefined && !SYSTEM.test(state)) return remedy;
  const text = String(error);
  const isOfFile = (error as NodeJS.ErrnoException).syscall === 'open';
  if (isOfFile || /TLS|SSL|CERT|SIGNATURE/i.test(`${state} ${text}`)) return NO_TLS;
  if (/password/.test(text)) return 'DATABASE_URL gives no password, and the server wants one.';
  return SYSTEM.test(state) || SILENT.test(text) ? NOT_THERE : '';
}
