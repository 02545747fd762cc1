import { dirname } from 'node:path';
import {
  corsOrigins,
  type DatabaseConfig,
  database,
  debugging,
  host,
  type Kind,
  LOG_LEVELS,
  metricsToken,
  oneOf,
  postgresUrl,
  rateLimits,
  seconds,
  tokenSecret,
  trustProxy,
  whole,
} from './config-kinds.ts';
import type { Env } from './env.ts';
import type { LogLevel } from './logger.ts';

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
