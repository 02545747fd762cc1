import { isIP } from 'node:net';
import { dirname } from 'node:path';
import proxyAddr from 'proxy-addr';
import type { Env } from './env.ts';
import type { LogLevel } from './logger.ts';

/** A database in a file, or in memory. */
export interface SqliteConfig {
  readonly engine: 'sqlite';
  /** A file, relative to the working directory or absolute, or `:memory:`. */
  readonly path: string;
}

/** A database of a PostgreSQL server. */
export interface PostgresConfig {
  readonly engine: 'postgres';
  /** What `pg` takes: a URL, secrets included, without a pooler that gives a connection to others after each transaction. */
  readonly url: string;
}

/** Where the data is kept. */
export type DatabaseConfig = SqliteConfig | PostgresConfig;

/** Everything the server can be told from outside, read once at the start. Frozen. */
export interface Config {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly debug: boolean;
  readonly logLevel: LogLevel;
  readonly logPretty: boolean;
  readonly database: DatabaseConfig;
  /** The folder of the database, where the token secret is kept; unused with `:memory:` and PostgreSQL. */
  readonly dataDir: string;
  /** Signs the tokens; null, which PostgreSQL does without: one is kept in `dataDir`, or made for this run with `:memory:`. */
  readonly tokenSecret: string | null;
  readonly corsOrigins: '*' | readonly string[];
  /** Proxies in front of the server: how many, or which addresses and networks. */
  readonly trustProxy: number | readonly string[];
  readonly pingTimeoutMs: number;
  readonly pingIntervalMs: number;
  /** Lets others than this machine read `/metrics`; null: nobody else may. */
  readonly metricsToken: string | null;
  /** How long a user stays online after the last connection ended. */
  readonly presenceGraceMs: number;
  /** With more users online than this, presence reaches only those who share a small room. */
  readonly presenceBroadcastMax: number;
  readonly typingLapseMs: number;
  /** Writes that may wait for a commit before the server answers `OVERLOADED`. */
  readonly storeQueueMax: number;
  readonly shutdownTimeoutMs: number;
  /** Numbers of the rate limits that differ from the defaults, by name; null: nothing is limited. */
  readonly rateLimits: Readonly<Record<string, number>> | null;
  /** How long a connection may take to sign in. */
  readonly signInTimeoutMs: number;
}

/** One variable with a wrong value. */
export interface ConfigFault {
  readonly name: string;
  /** The value in quotes, or a description of it where it is a secret. */
  readonly holds: string;
  readonly mayHold: string;
}

/** Thrown by `readConfig`: its message names every wrong variable, what it holds and what it may hold. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map((fault) => `  ${fault.name} is ${fault.holds}. It may be ${fault.mayHold}.`);
    super(`The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${lines.join('\n')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** Reads one kind of value: `parse` gives undefined for a wrong one. */
interface Kind<T> {
  readonly mayHold: string;
  readonly secret?: boolean;
  parse(text: string): T | undefined;
}

const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  critical: 'fatal',
  fatal: 'fatal',
  silent: 'silent',
};

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

function oneOf<T>(table: Readonly<Record<string, T>>): Kind<T> {
  return {
    mayHold: `one of ${Object.keys(table).join(', ')} (in any case)`,
    parse: (text) => (Object.hasOwn(table, text.toLowerCase()) ? table[text.toLowerCase()] : undefined),
  };
}

function whole(min: number, max: number): Kind<number> {
  return {
    mayHold: `a whole number from ${min} to ${max}`,
    parse: (text) => inRange(/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN, min, max),
  };
}

/** Other values than the usual are not ours: the package `debug`, which Socket.IO uses, reads the same variable. */
const debugging: Kind<boolean> = {
  mayHold: oneOf(BOOLEANS).mayHold,
  parse: (text) => oneOf(BOOLEANS).parse(text) ?? false,
};

/** Seconds in the environment, milliseconds in the program. */
function seconds(min: number, max: number): Kind<number> {
  return {
    mayHold: `a number of seconds from ${min} to ${max}, such as 20 or 2.5`,
    parse: (text) => {
      const value = inRange(/^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN, min, max);
      return value === undefined ? undefined : Math.round(value * 1000);
    },
  };
}

function inRange(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined;
}

const host: Kind<string> = {
  mayHold: 'an IP address or a host name to listen on, such as 0.0.0.0 or ::',
  parse: (text) => (isIP(text) || /^[a-z\d]([a-z\d.-]{0,251}[a-z\d])?$/i.test(text) ? text : undefined),
};

const POSTGRES_URL = 'postgres://USER:PASSWORD@HOST:PORT/NAME';

/** Where `pg` finds fault, it says so when it connects: here it only has to be a URL. */
const postgresUrl: Kind<string> = {
  mayHold: `${POSTGRES_URL}, other signs of the password than letters and digits as %XX, or postgres:///NAME?host=FOLDER for a socket`,
  parse: (text) => {
    // A user without a host, which may stand behind: a URL elsewhere, not here.
    const url = /^postgres(ql)?:\/\//.test(text) ? URL.parse(text.replace('@/', '@host/')) : null;
    // The rest of a password with signs that end the host, of which a part would be taken for a place and shown.
    const isCut = url === null || url.hash !== '' || url.pathname.includes('@') || /^\?[^=]*@/.test(url.search);
    return isCut ? undefined : text;
  },
};

const database: Kind<DatabaseConfig> = {
  mayHold: `sqlite:PATH, such as sqlite:./data/sohbet.db, sqlite::memory:, or ${postgresUrl.mayHold}`,
  parse: (text) => {
    const url = postgresUrl.parse(text);
    if (url !== undefined) return { engine: 'postgres', url };
    const path = /^sqlite:(?!\/\/)(.+)$/.exec(text)?.[1];
    return path === undefined || path.endsWith('/') ? undefined : { engine: 'sqlite', path };
  },
};

/** A database as `DATABASE_URL` names it; undefined when it is none. */
export function parseDatabase(text: string): DatabaseConfig | undefined {
  return database.parse(text);
}

const tokenSecret: Kind<string> = {
  mayHold: 'any text of at least 32 bytes',
  secret: true,
  parse: (text) => (Buffer.byteLength(text) >= 32 ? text : undefined),
};

const metricsToken: Kind<string> = {
  mayHold: 'any text of printable ASCII characters without spaces, as it travels in a header',
  secret: true,
  parse: (text) => (/^[!-~]+$/.test(text) ? text : undefined),
};

const corsOrigins: Kind<'*' | readonly string[]> = {
  mayHold: '* or origins with commas between them, such as https://chat.example.com,capacitor://localhost,file://,null',
  parse: (text) => (text === '*' ? '*' : listOf(text, parseOrigin)),
};

const trustProxy: Kind<number | readonly string[]> = {
  mayHold:
    'the number of proxies in front of the server, from 0 to 32, or their addresses and networks, such as 10.0.0.0/8,loopback',
  parse: (text) => (/^\d{1,9}$/.test(text) ? inRange(Number(text), 0, 32) : listOf(text, parseProxy)),
};

const rateLimits: Kind<Readonly<Record<string, number>> | 'off'> = {
  mayHold:
    'on, off, or limits with their numbers and commas between them, such as messages_per_second=10,messages_burst=50',
  parse: (text) => {
    const switched = oneOf(BOOLEANS).parse(text);
    if (switched !== undefined) return switched ? {} : 'off';
    const numbers = listOf(text, (part) => (/^[a-z_]+=[1-9]\d{0,8}$/.test(part) ? part : undefined));
    return numbers && Object.fromEntries(numbers.map((part) => part.split('=')).map(([name, n]) => [name, Number(n)]));
  },
};

/** Splits at commas; undefined when any part is wrong. */
function listOf(text: string, parsePart: (part: string) => string | undefined): readonly string[] | undefined {
  const parts = text.split(',').map((part) => parsePart(part.trim()));
  const right = parts.filter((part) => part !== undefined);
  return right.length === parts.length ? [...new Set(right)] : undefined;
}

/** What pages send that have no origin: those of files, some apps' among them, and those in sandboxed frames. */
const NO_ORIGINS: ReadonlySet<string> = new Set(['null', 'file://']);

/** The origin as a browser or an app's web view sends it: in small letters, with no path and no default port. */
function parseOrigin(text: string): string | undefined {
  if (NO_ORIGINS.has(text)) return text;
  const url = URL.parse(text);
  if (!url || url.username || url.password || url.search || url.hash || /[?#*\s]/.test(text)) return undefined;
  if (url.origin !== 'null') return /^https?:$/.test(url.protocol) && url.pathname === '/' ? url.origin : undefined;
  return /^[a-z][a-z\d+.-]*:\/\/[a-z\d.-]+(:\d+)?$/.test(text) ? text : undefined;
}

function parseProxy(text: string): string | undefined {
  const named = ['loopback', 'linklocal', 'uniquelocal'].includes(text);
  if (!named && !isIP(text.replace(/\/[^/]*$/, ''))) return undefined;
  try {
    proxyAddr.compile(text);
    return text;
  } catch {
    return undefined;
  }
}

/** Quotes a wrong value, without its secrets and not endlessly. */
function describe(text: string, secret: boolean): string {
  if (secret) return `a hidden text of ${Buffer.byteLength(text)} bytes`;
  const shown = text.replace(/\/\/.*@/g, '//***@').replace(/(password=)[^&\s]*/gi, '$1***');
  return JSON.stringify(shown.length > 200 ? `${shown.slice(0, 200)}…` : shown);
}

/** Reads the variables one by one and collects the faults. */
class Reader {
  readonly faults: ConfigFault[] = [];
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  /** The variable's value, or `fallback` where it is absent, empty or wrong. */
  read<T, F>(name: string, kind: Kind<T>, fallback: F): T | F {
    const text = this.#env[name]?.trim() ?? '';
    if (text === '') return fallback;
    const value = kind.parse(text);
    if (value !== undefined) return value;
    this.faults.push({ name, holds: describe(text, kind.secret ?? false), mayHold: kind.mayHold });
    return fallback;
  }
}

/**
 * Reads the configuration; `.env.example` explains every variable. Unknown variables are ignored, an empty one counts
 * as absent, a relative path stays relative.
 *
 * @param stdoutIsTerminal whether a person reads the log; production logs JSON even then
 * @throws {ConfigError} when any variable is wrong
 */
export function readConfig(env: Env, stdoutIsTerminal = false): Config {
  const from = new Reader(env);
  const debug = from.read('DEBUG', debugging, false);
  const production = env['NODE_ENV']?.trim() === 'production';
  const place = from.read('DATABASE_URL', database, { engine: 'sqlite', path: './data/sohbet.db' } as const);
  const directUrl = from.read('DATABASE_DIRECT_URL', postgresUrl, null);
  const origins = from.read('CORS_ORIGINS', corsOrigins, '*' as const);
  const proxies = from.read('TRUST_PROXY', trustProxy, 0);
  const rates = from.read('RATE_LIMITS', rateLimits, {});
  const config: Config = {
    host: from.read('HOST', host, '0.0.0.0'),
    port: from.read('PORT', whole(0, 65_535), 8000),
    debug,
    logLevel: from.read('LOG_LEVEL', oneOf(LOG_LEVELS), debug ? 'debug' : 'info'),
    logPretty: stdoutIsTerminal && !production,
    database: Object.freeze(place.engine === 'sqlite' || directUrl === null ? place : { ...place, url: directUrl }),
    dataDir: place.engine === 'postgres' || place.path === ':memory:' ? './data' : dirname(place.path),
    tokenSecret: from.read('TOKEN_SECRET', tokenSecret, null),
    corsOrigins: Object.freeze(origins),
    trustProxy: Object.freeze(proxies),
    pingTimeoutMs: from.read('SOCKET_PING_TIMEOUT', seconds(0.1, 3600), 20_000),
    pingIntervalMs: from.read('SOCKET_PING_INTERVAL', seconds(0.1, 3600), 25_000),
    metricsToken: from.read('METRICS_TOKEN', metricsToken, null),
    presenceGraceMs: from.read('PRESENCE_GRACE', seconds(0, 3600), 20_000),
    presenceBroadcastMax: from.read('PRESENCE_BROADCAST_MAX', whole(0, 1_000_000), 500),
    typingLapseMs: 8000,
    storeQueueMax: from.read('STORE_QUEUE_MAX', whole(1, 1_000_000), 10_000),
    shutdownTimeoutMs: 10_000,
    rateLimits: rates === 'off' ? null : Object.freeze(rates),
    signInTimeoutMs: from.read('SIGN_IN_TIMEOUT', seconds(0.1, 3600), 10_000),
  };
  if (from.faults.length > 0) throw new ConfigError(from.faults);
  return Object.freeze(config);
}
