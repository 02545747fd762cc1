import fc from 'fast-check';
import fastify from 'fastify';
import { describe, expect, test } from 'vitest';
import { createLogger, type LogLevel, REDACTED } from './logger.ts';

const SECRET = 'hunter2-hunter2';

function capture(level: LogLevel = 'info', pretty = false) {
  const lines: string[] = [];
  const logger = createLogger({ level, pretty, destination: { write: (line) => void lines.push(line) } });
  return { logger, lines, text: () => lines.join('') };
}

describe('createLogger', () => {
  test('writes one JSON object a line, with the level by name and ISO time', () => {
    const { logger, lines } = capture();
    logger.info({ transport: 'websocket' }, 'connected');
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0] ?? '');
    expect(line).toMatchObject({ level: 'info', msg: 'connected', transport: 'websocket' });
    expect(new Date(line.time).toISOString()).toBe(line.time);
  });

  test('keeps silent below its level', () => {
    const { logger, lines } = capture('warn');
    logger.info('unseen');
    logger.warn('seen');
    expect(lines).toHaveLength(1);
  });

  test.each([
    'token',
    'password',
    'content',
    'authorization',
    'Authorization',
    'Proxy-Authorization',
    'cookie',
    'Cookie',
    'set-cookie',
    'rawHeaders',
    'secret',
    'tokenSecret',
    'metricsToken',
  ])('hides %s wherever it stands', (key) => {
    const { logger, lines, text } = capture();
    const secret = { [key]: SECRET };
    logger.info({ ...secret, list: [{ inner: secret }], handshake: { auth: secret, headers: secret } }, 'top');
    logger.child({ ...secret, socket: { auth: secret } }).info('child');
    logger
      .child({ a: 1 })
      .child({ deep: { deeper: secret } }, { level: 'info' })
      .info(secret, 'grandchild');
    logger.error(Object.assign(new Error('failed'), secret, { data: secret }));
    logger.error({ err: Object.assign(new Error('failed'), secret), reason: Object.assign(new Error('r'), secret) });
    expect(lines).toHaveLength(5);
    expect(text()).not.toContain(SECRET);
    expect(text()).toContain(REDACTED);
  });

  test('hides secrets in any object', () => {
    const place = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 8 },
        fc.constantFrom({ password: SECRET }, { token: { value: SECRET } }, { content: [SECRET] }, 1, null, 'text'),
        fc.dictionary(fc.constantFrom('a', 'b', 'auth', 'toJSON'), tie('node')),
        fc.array(tie('node'), { maxLength: 3 }),
      ),
    })).node;
    fc.assert(
      fc.property(fc.dictionary(fc.string(), place), (object) => {
        const { logger, text } = capture();
        logger.info(object, 'line');
        expect(text()).not.toContain(SECRET);
      }),
    );
  });

  test('keeps what is not secret, errors with their stack, dates and cycles', () => {
    const { logger, lines } = capture();
    const cycle: Record<string, unknown> = { at: new Date(0), bytes: Buffer.from(SECRET) };
    cycle['self'] = cycle;
    logger.error({ cycle, err: new TypeError('no') }, 'failed');
    const line = JSON.parse(lines[0] ?? '');
    expect(line.cycle).toMatchObject({ at: '1970-01-01T00:00:00.000Z', bytes: '[15 bytes]' });
    expect(line.err).toMatchObject({
      type: 'TypeError',
      message: 'no',
      stack: expect.stringContaining('TypeError: no'),
    });
  });

  test('writes lines for a person without secrets when pretty', () => {
    const { logger, text } = capture('info', true);
    logger.info({ room: 'r1', token: SECRET }, 'joined');
    expect(text()).toMatch(/INFO.*joined/);
    expect(text()).toContain('r1');
    expect(text()).not.toContain(SECRET);
  });

  test('as the logger of the HTTP server it writes no query and no header', async () => {
    const { logger, lines, text } = capture();
    const server = fastify({ loggerInstance: logger });
    server.get('/page', async (request) => {
      request.log.info({ req: request }, 'seen');
      return {};
    });
    await server.inject({ url: `/page?token=${SECRET}`, headers: { authorization: `Bearer ${SECRET}` } });
    expect(lines).toHaveLength(3);
    expect(text()).toContain('"url":"/page"');
    expect(text()).toContain('"res":{"statusCode":200}');
    expect(text()).not.toContain(SECRET);
  });
});
