import { isIP } from 'node:net';
import proxyAddr from 'proxy-addr';
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

/** One kind of value that a variable holds. */
export interface Kind<T> {
  /** Told to who gave a wrong one. */
  readonly mayHold: string;
  /** Whether it is never shown. */
  readonly secret?: boolean;
  /** The value; undefined when the text is wrong. */
  parse(text: string): T | undefined;
}

/** The levels of the log, by all their names. */
export const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
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

/** One of the names of a table, in any case. */
export function oneOf<T>(table: Readonly<Record<string, T>>): Kind<T> {
  return {
    mayHold: `one of ${Object.keys(table).join(', ')} (in any case)`,
    parse: (text) => (Object.hasOwn(table, text.toLowerCase()) ? table[text.toLowerCase()] : undefined),
  };
}

/** A whole number; both bounds are inclusive. */
export function whole(min: number, max: number): Kind<number> {
  return {
    mayHold: `a whole number from ${min} to ${max}`,
    parse: (text) => inRange(/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN, min, max),
  };
}

/** Other values than the usual are not ours: the package `debug`, which Socket.IO uses, reads the same variable. */
export const debugging: Kind<boolean> = {
  mayHold: oneOf(BOOLEANS).mayHold,
  parse: (text) => oneOf(BOOLEANS).parse(text) ?? false,
};

/** Seconds in the environment, milliseconds in the program. */
export function seconds(min: number, max: number): Kind<number> {
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

/** Where to listen. */
export const host: Kind<string> = {
  mayHold: 'an IP address or a host name to listen on, such as 0.0.0.0 or ::',
  parse: (text) => (isIP(text) || /^[a-z\d]([a-z\d.-]{0,251}[a-z\d])?$/i.test(text) ? text : undefined),
};

const POSTGRES_URL = 'postgres://USER:PASSWORD@HOST:PORT/NAME';

/** Where `pg` finds fault, it says so when it connects: here it only has to be a URL. */
export const postgresUrl: Kind<string> = {
  mayHold: `${POSTGRES_URL}, other signs of the password than letters and digits as %XX, or postgres:///NAME?host=FOLDER for a socket`,
  parse: (text) => {
    // A user without a host, which may stand behind: a URL elsewhere, not here.
    const url = /^postgres(ql)?:\/\//.test(text) ? URL.parse(text.replace('@/', '@host/')) : null;
    // The rest of a password with signs that end the host, of which a part would be taken for a place and shown.
    const isCut = url === null || url.hash !== '' || url.pathname.includes('@') || /^\?[^=]*@/.test(url.search);
    return isCut ? undefined : text;
  },
};

/** Where the data is kept. */
export const database: Kind<DatabaseConfig> = {
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

/** What signs tokens. */
export const tokenSecret: Kind<string> = {
  mayHold: 'any text of at least 32 bytes',
  secret: true,
  parse: (text) => (Buffer.byteLength(text) >= 32 ? text : undefined),
};

/** What opens `/metrics`. */
export const metricsToken: Kind<string> = {
  mayHold: 'any text of printable ASCII characters without spaces, as it travels in a header',
  secret: true,
  parse: (text) => (/^[!-~]+$/.test(text) ? text : undefined),
};

/** Which pages may connect. */
export const corsOrigins: Kind<'*' | readonly string[]> = {
  mayHold: '* or origins with commas between them, such as https://chat.example.com,capacitor://localhost,file://,null',
  parse: (text) => (text === '*' ? '*' : listOf(text, parseOrigin)),
};

/** Which proxies are believed. */
export const trustProxy: Kind<number | readonly string[]> = {
  mayHold:
    'the number of proxies in front of the server, from 0 to 32, or their addresses and networks, such as 10.0.0.0/8,loopback',
  parse: (text) => (/^\d{1,9}$/.test(text) ? inRange(Number(text), 0, 32) : listOf(text, parseProxy)),
};

/** Numbers of the rate limits that differ from the defaults, by name, or none at all. */
export const rateLimits: Kind<Readonly<Record<string, number>> | 'off'> = {
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
