import { type DestinationStream, type LoggerOptions, pino, stdSerializers, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';

/** The logger that is passed to every part; a part makes its own with `logger.child({ … })`. */
export type Logger = pino.Logger;

/** How much is written: pino's levels, `silent` for nothing. */
export type LogLevel = pino.LevelWithSilent;

/** What `createLogger` needs. */
export interface LoggerConfig {
  readonly level: LogLevel;
  /** True for coloured lines for a person, false for one JSON object a line. */
  readonly pretty: boolean;
  /** Where the lines go; standard output by default. */
  readonly destination?: DestinationStream;
}

/** What stands in a line in place of a secret. */
export const REDACTED = '[redacted]';

const HIDDEN_KEYS = [
  'token',
  'tokenSecret',
  'metricsToken',
  'secret',
  'password',
  'content',
  'authorization',
  'Authorization',
  'cookie',
  'set-cookie',
];

/** A key is hidden at the top of a line and up to this many objects or lists below it. */
const HIDDEN_DEPTH = 5;

/** pino's wildcard stands for one level, so each key is listed once a level. */
const hiddenPaths = HIDDEN_KEYS.flatMap((key) =>
  Array.from({ length: HIDDEN_DEPTH + 1 }, (_, depth) => `${'*.'.repeat(depth)}["${key}"]`.replace('.["', '["')),
);

/** The request without its query, which may carry a token, and without its headers. */
function serializeRequest(request: { method?: unknown; url?: unknown; ip?: unknown }): object {
  const url = typeof request.url === 'string' ? request.url.replace(/[?#].*$/s, '') : undefined;
  return { method: request.method, url, ip: request.ip };
}

/**
 * Makes a logger with ISO times. Passwords, tokens, message contents and authorization headers are cut out of every
 * logged object by their key; text that a caller writes into the message itself is not looked at.
 */
export function createLogger(config: LoggerConfig): Logger {
  const options: LoggerOptions = {
    level: config.level,
    timestamp: stdTimeFunctions.isoTime,
    redact: { paths: hiddenPaths, censor: REDACTED },
    serializers: { req: serializeRequest, err: stdSerializers.err },
    formatters: { level: (label) => ({ level: label }) },
  };
  if (config.pretty) {
    const stream = pretty({
      colorize: config.destination === undefined,
      ignore: 'pid,hostname',
      sync: true,
      translateTime: 'SYS:HH:MM:ss.l',
      ...(config.destination ? { destination: config.destination } : {}),
    });
    return pino(options, stream);
  }
  return config.destination ? pino(options, config.destination) : pino(options);
}
