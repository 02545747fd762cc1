import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../protocol/limits.ts';
import { ConfigError, readConfig } from './config.ts';
import { type Env, loadEnv } from './env.ts';

const SECRET = 'correct horse battery staple, twice';

function faultOf(env: Env): ConfigError {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('no fault was found');
}

describe('readConfig', () => {
  test('has a default for everything', () => {
    expect(readConfig({})).toEqual({
      host: '0.0.0.0',
      port: 8000,
      debug: false,
      logLevel: 'info',
      logPretty: false,
      database: { engine: 'sqlite', path: './data/sohbet.db' },
      dataDir: './data',
      tokenSecret: null,
      corsOrigins: '*',
      trustProxy: 0,
      pingTimeoutMs: 20_000,
      pingIntervalMs: 25_000,
      metricsToken: null,
      presenceGraceMs: LIMITS.presence_grace_ms,
      presenceBroadcastMax: 500,
      typingLapseMs: LIMITS.typing_lapse_ms,
      storeQueueMax: 10_000,
      shutdownTimeoutMs: 10_000,
      rateLimits: {},
      signInTimeoutMs: 10_000,
    });
  });

  test('is frozen, lists included', () => {
    const config = readConfig({ CORS_ORIGINS: 'https://a.example', TRUST_PROXY: 'loopback' });
    for (const part of [config, config.database, config.corsOrigins, config.trustProxy]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test('takes an empty or blank variable for an absent one, and ignores unknown ones', () => {
    const env = {
      PORT: '',
      TOKEN_SECRET: '  ',
      CORS_ORIGINS: '',
      METRICS_TOKEN: '',
      NODE_ENV: '',
      HOME: '/',
      PORTS: '?',
    };
    expect(readConfig(env)).toEqual(readConfig({}));
  });

  test.each([
    ['HOST', '::', 'host', '::'],
    ['HOST', 'chat.example.com', 'host', 'chat.example.com'],
    ['PORT', '0', 'port', 0],
    ['PORT', ' 65535 ', 'port', 65_535],
    ['DEBUG', 'Yes', 'debug', true],
    ['DEBUG', '1', 'debug', true],
    ['DEBUG', 'off', 'debug', false],
    ['DEBUG', 'socket.io*', 'debug', false],
    ['DEBUG', 'engine,-engine:ws', 'debug', false],
    ['LOG_LEVEL', 'WARNING', 'logLevel', 'warn'],
    ['LOG_LEVEL', 'Critical', 'logLevel', 'fatal'],
    ['LOG_LEVEL', 'DEBUG', 'logLevel', 'debug'],
    ['LOG_LEVEL', 'silent', 'logLevel', 'silent'],
    ['TOKEN_SECRET', SECRET, 'tokenSecret', SECRET],
    ['TOKEN_SECRET', 'ş'.repeat(16), 'tokenSecret', 'ş'.repeat(16)],
    ['CORS_ORIGINS', '*', 'corsOrigins', '*'],
    [
      'CORS_ORIGINS',
      'null, file://,ionic://localhost,http://localhost',
      'corsOrigins',
      ['null', 'file://', 'ionic://localhost', 'http://localhost'],
    ],
    [
      'CORS_ORIGINS',
      'https://A.example:443, http://b.example:8080/',
      'corsOrigins',
      ['https://a.example', 'http://b.example:8080'],
    ],
    [
      'CORS_ORIGINS',
      'capacitor://localhost,https://a.example,https://a.example',
      'corsOrigins',
      ['capacitor://localhost', 'https://a.example'],
    ],
    ['TRUST_PROXY', '3', 'trustProxy', 3],
    ['TRUST_PROXY', '10.0.0.0/8, ::1,loopback', 'trustProxy', ['10.0.0.0/8', '::1', 'loopback']],
    ['SOCKET_PING_TIMEOUT', '2.5', 'pingTimeoutMs', 2500],
    ['SOCKET_PING_INTERVAL', '60', 'pingIntervalMs', 60_000],
    ['METRICS_TOKEN', 'abc', 'metricsToken', 'abc'],
    ['PRESENCE_GRACE', '0.05', 'presenceGraceMs', 50],
    ['PRESENCE_GRACE', '0', 'presenceGraceMs', 0],
    ['PRESENCE_BROADCAST_MAX', '0', 'presenceBroadcastMax', 0],
    ['STORE_QUEUE_MAX', '1', 'storeQueueMax', 1],
    ['RATE_LIMITS', 'on', 'rateLimits', {}],
    ['RATE_LIMITS', 'OFF', 'rateLimits', null],
    ['RATE_LIMITS', 'messages_per_second=10, joins_burst=3', 'rateLimits', { messages_per_second: 10, joins_burst: 3 }],
    ['SIGN_IN_TIMEOUT', '0.5', 'signInTimeoutMs', 500],
  ])('%s=%s', (name, value, key, expected) => {
    expect(readConfig({ [name]: value })).toHaveProperty(key, expected);
  });

  test.each([
    ['sqlite::memory:', ':memory:', './data'],
    ['sqlite:chat.db', 'chat.db', '.'],
    ['sqlite:/var/data/chat.db', '/var/data/chat.db', '/var/data'],
  ])('DATABASE_URL=%s', (url, path, dataDir) => {
    expect(readConfig({ DATABASE_URL: url })).toMatchObject({ database: { engine: 'sqlite', path }, dataDir });
  });

  test.each([
    'postgres://sohbet:p%40ss@db.example:6432/chat?sslmode=verify-full&sslrootcert=/etc/ca.pem',
    'postgresql://db.example',
    'postgres:///chat?host=/var/run/postgresql',
    'postgres://sohbet@/chat?host=/var/run/postgresql',
    'postgres://%2Fvar%2Frun%2Fpostgresql/chat',
    'postgres://sohbet:secret@[::1]/chat',
  ])('DATABASE_URL=%s', (url) => {
    const direct = 'postgres://direct.example/chat';
    expect(readConfig({ DATABASE_URL: url }).database).toEqual({ engine: 'postgres', url });
    const { database } = readConfig({ DATABASE_URL: url, DATABASE_DIRECT_URL: direct });
    expect(database).toEqual({ engine: 'postgres', url: direct });
    expect(Object.isFrozen(database)).toBe(true);
  });

  test('DEBUG sets the log level unless LOG_LEVEL does', () => {
    expect(readConfig({ DEBUG: 'true' }).logLevel).toBe('debug');
    expect(readConfig({ DEBUG: 'true', LOG_LEVEL: 'error' }).logLevel).toBe('error');
  });

  test('the log is pretty in a terminal only, and never in production', () => {
    expect(readConfig({}, true).logPretty).toBe(true);
    expect(readConfig({}, false).logPretty).toBe(false);
    expect(readConfig({ NODE_ENV: 'production' }, true).logPretty).toBe(false);
  });

  test.each([
    ['HOST', ['two words', 'http://a', '-a', 'a/b', '*']],
    ['PORT', ['http', '-1', '65536', '8000.5', '0x10', '1e3', '８０００']],
    ['LOG_LEVEL', ['loud', '30', '__proto__']],
    ['DATABASE_URL', ['data.db', 'sqlite:', 'sqlite://data.db', 'sqlite:./data/', 'mysql:x', 'host=db dbname=chat']],
    ['DATABASE_URL', ['postgres:x', 'postgres:/chat', 'postgres://db:port/chat', 'postgres://a b/c']],
    [
      'DATABASE_URL',
      ['postgres://a:b@c/d@e', 'postgres://a:1/2@db/chat', 'postgres://a:1?2@db/chat', 'postgres://a:1#2@db'],
    ],
    ['DATABASE_DIRECT_URL', ['sqlite::memory:', 'db.example', 'postgres://db:port/chat']],
    ['TOKEN_SECRET', ['x'.repeat(31)]],
    [
      'CORS_ORIGINS',
      [
        'a.example',
        'https://a.example/path',
        'https://*.example',
        '*,https://a.example',
        'Null',
        'https://a.example,,',
      ],
    ],
    [
      'CORS_ORIGINS',
      ['https://user@a.example', 'https://a.example?x', 'ftp://a.example', 'javascript:alert(1)', 'capacitor://'],
    ],
    ['TRUST_PROXY', ['true', '33', '-1', '10.0.0.0/33', '10.0.0.1/0', 'proxy.example', '10.0.0.1,', '1,2', 'Loopback']],
    ['SOCKET_PING_TIMEOUT', ['0', '3601', 'Infinity', '-5', '20s', '.5']],
    ['METRICS_TOKEN', ['two words', 'şifre']],
    ['PRESENCE_GRACE', ['-1', 'NaN']],
    ['STORE_QUEUE_MAX', ['0', '1.5']],
    ['RATE_LIMITS', ['maybe', 'messages_burst', 'messages_burst=0', 'messages_burst=-1', 'off,messages_burst=1']],
    ['SIGN_IN_TIMEOUT', ['0', 'never']],
  ])('%s refuses %j', (name, values) => {
    for (const value of values) {
      expect(faultOf({ [name]: value }).faults.map((fault) => fault.name)).toEqual([name]);
    }
  });

  test('names every wrong variable, what it holds and what it may hold, in one message', () => {
    const { message, faults } = faultOf({ PORT: 'http', LOG_LEVEL: 'loud', DEBUG: 'true', DATABASE_URL: 'postgres:x' });
    expect(faults).toHaveLength(3);
    expect(message.split('\n')).toHaveLength(4);
    expect(message).toContain('PORT is "http". It may be a whole number from 0 to 65535.');
    expect(message).toMatch(/LOG_LEVEL is "loud"\. It may be one of trace, debug, info, .*silent/);
    expect(message).toMatch(/DATABASE_URL is "postgres:x"\. It may be sqlite:PATH.*postgres:\/\/USER:PASSWORD@HOST/);
    expect(faultOf({ PORT: 'http' }).message).toContain('The configuration has a fault:\n');
  });

  test('shows no secret in the message, and no endless value', () => {
    const { message } = faultOf({
      TOKEN_SECRET: 'short-and-secret',
      METRICS_TOKEN: 'with space secret',
      DATABASE_URL: 'postgres://user:pass/secret@host:port/db?password=hidden-secret&ssl=1',
      DATABASE_DIRECT_URL: 'postgres://user:12/hidden-secret#@db/chat',
      CORS_ORIGINS: 'https://user:secret@a.example',
      HOST: 'a b'.repeat(1000),
    });
    expect(message).not.toContain('secret@');
    expect(message).not.toMatch(/-secret|space secret|user:pass/);
    expect(message).toContain('TOKEN_SECRET is a hidden text of 16 bytes.');
    expect(message.length).toBeLessThan(1500);
  });
});

describe('.env.example', () => {
  const path = join(import.meta.dirname, '../../.env.example');

  test('lists every variable that is read, and no other', async () => {
    const read = new Set<string>();
    const listening = new Proxy<Env>({}, { get: (_target, name) => void read.add(String(name)) });
    readConfig(listening);
    const listed = [...(await readFile(path, 'utf8')).matchAll(/^#?([A-Z][A-Z\d_]*)=/gm)].map((match) => match[1]);
    expect(listed.toSorted()).toEqual([...read].toSorted());
  });

  test('shows the defaults, and changes nothing as it is', async () => {
    const text = await readFile(path, 'utf8');
    expect(parseEnv(text)).toEqual({});
    const withAll = parseEnv(text.replace(/^#([A-Z][A-Z\d_]*=)/gm, '$1'));
    expect(Object.keys(withAll)).toContain('PORT');
    expect(readConfig({ ...withAll })).toEqual(readConfig({}));
  });
});

describe('loadEnv', () => {
  test('reads .env under the environment', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'sohbet-env-'));
    await writeFile(join(folder.path, '.env'), 'PORT=9000\nHOST="127.0.0.1" # here\n');
    expect(loadEnv(folder.path, { PORT: '9001', HOME: '/' })).toEqual({ PORT: '9001', HOST: '127.0.0.1', HOME: '/' });
  });

  const TEXT = 'HOST=127.0.0.1\r\nTOKEN_SECRET=çok gizli\r\n';
  const swapped = (bytes: Buffer) => Buffer.from(bytes).swap16();

  test.each([
    ['UTF-8', Buffer.from(TEXT)],
    ['UTF-8 with a byte-order mark', Buffer.from(`\ufeff${TEXT}`)],
    ['UTF-16, little end first', Buffer.from(`\ufeff${TEXT}`, 'utf16le')],
    ['UTF-16, big end first', swapped(Buffer.from(`\ufeff${TEXT}`, 'utf16le'))],
  ])('reads a .env in %s whole', async (_name, bytes) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'sohbet-env-'));
    await writeFile(join(folder.path, '.env'), bytes);
    expect(loadEnv(folder.path, {})).toEqual({ HOST: '127.0.0.1', TOKEN_SECRET: 'çok gizli' });
  });

  test.each([
    ['UTF-16 without a byte-order mark', Buffer.from(TEXT, 'utf16le')],
    ['a code page', Buffer.from(TEXT, 'latin1')],
  ])('refuses a .env in %s, with its path', async (_name, bytes) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'sohbet-env-'));
    const path = join(folder.path, '.env');
    await writeFile(path, bytes);
    expect(() => loadEnv(folder.path, {})).toThrow(`${path} is not a text in UTF-8: save it as UTF-8.`);
  });

  test('needs no .env, but one that cannot be read is a fault', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'sohbet-env-'));
    expect(loadEnv(folder.path, { PORT: '9001' })).toEqual({ PORT: '9001' });
    await mkdir(join(folder.path, '.env'));
    expect(() => loadEnv(folder.path, {})).toThrow(`${join(folder.path, '.env')} cannot be read: EISDIR`);
  });
});
