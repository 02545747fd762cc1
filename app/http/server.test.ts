import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../protocol/index.ts';
import { listen, startTestServer } from '../../tests/support/http-server.ts';
import { languageCookie } from './language.ts';

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const PAGES = ['/', '/docs'];

/** Sends bytes over a real connection and reads until the server ends it. */
async function exchange(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(5_000, () => socket.destroy(new Error('no answer')));
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
  });
  socket.write(request);
  await once(socket, 'close');
  return answer;
}

describe('pages', () => {
  it.each(PAGES)('%s speak the language that is asked for, remembered or preferred', async (url) => {
    await using server = await startTestServer();
    const language = async (path: string, headers: Record<string, string> = {}) =>
      /<html lang="(\w+)">/.exec((await server.app.inject({ url: path, headers })).body)?.[1];
    expect(await language(url)).toBe('en');
    expect(await language(url, { 'accept-language': 'tr-TR,tr;q=0.9,en;q=0.8' })).toBe('tr');
    expect(await language(`${url}?lang=en`, { 'accept-language': 'tr' })).toBe('en');
    expect(await language(`${url}?lang=xx&lang=tr`, { 'accept-language': 'tr' })).toBe('tr');
    expect(await language(url, { cookie: languageCookie('tr') })).toBe('tr');
  });

  it.each(PAGES)('%s remember a choice, and tell caches what they depend on', async (url) => {
    await using server = await startTestServer();
    const chosen = await server.app.inject(`${url}?lang=tr`);
    expect(chosen.headers['set-cookie']).toBe(languageCookie('tr'));
    expect(chosen.headers.vary).toBe('Accept-Language, Cookie');
    expect(chosen.headers['content-type']).toBe('text/html; charset=utf-8');
    expect((await server.app.inject(url)).headers['set-cookie']).toBeUndefined();
  });

  it.each(PAGES)('%s are not sent twice to a browser that has them', async (url) => {
    await using server = await startTestServer();
    const first = await server.app.inject(url);
    const { etag } = first.headers;
    const again = await server.app.inject({ url, headers: { 'if-none-match': `"other", W/${etag}` } });
    expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag]);
    const turkish = await server.app.inject({ url: `${url}?lang=tr`, headers: { 'if-none-match': String(etag) } });
    expect(turkish.statusCode).toBe(200);
  });

  it('show the address they were asked at, and nothing that was smuggled into it', async () => {
    await using server = await startTestServer();
    const home = async (headers: Record<string, string>) => (await server.app.inject({ url: '/', headers })).body;
    expect(await home({ host: 'chat.example:8443' })).toContain('http://chat.example:8443');
    expect(await home({ host: 'chat.example', 'x-forwarded-proto': 'https' })).toContain('https://chat.example');
    expect(await home({ host: '[::1]:8000' })).toContain('http://[::1]:8000');
    const smuggled = await home({ host: 'x"><script>alert(1)</script>' });
    expect(smuggled).not.toContain('<script');
    expect(smuggled).toContain('http://localhost');
    const prefix = { host: 'chat.example', 'x-forwarded-prefix': '/chat/' };
    expect(await home(prefix)).toContain('/chat/socket.io/');
    for (const wrong of ['/<b>', "/'", 'chat', '//evil.example', '/a b', '/a/?x'])
      expect(await home({ ...prefix, 'x-forwarded-prefix': wrong })).toBe(await home({ host: 'chat.example' }));
  });
});

describe('security headers', () => {
  it.each([...PAGES, '/nope', '/health', '/assets/style.css'])(
    'of %s allow no script and nothing foreign',
    async (url) => {
      await using server = await startTestServer();
      const { headers } = await server.app.inject({ url, headers: BROWSER });
      expect(headers['content-security-policy']).toBe(
        "default-src 'none';style-src 'self';img-src 'self';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      );
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['x-frame-options']).toBe('DENY');
      expect(headers['strict-transport-security']).toBeUndefined();
    },
  );
});

describe('CORS', () => {
  it('lets every origin read the documents, by default', async () => {
    await using server = await startTestServer();
    const answer = await server.app.inject({ url: '/openapi.json', headers: { origin: 'https://app.example' } });
    expect(answer.headers['access-control-allow-origin']).toBe('*');
  });

  it('lets only the named origins, when some are named', async () => {
    await using server = await startTestServer({ corsOrigins: ['https://app.example'] });
    const allowed = async (origin: string) =>
      (await server.app.inject({ url: '/health', headers: { origin } })).headers['access-control-allow-origin'];
    expect(await allowed('https://app.example')).toBe('https://app.example');
    expect(await allowed('https://evil.example')).not.toBe('https://evil.example');
    const { headers } = await server.app.inject({ url: '/', headers: { origin: 'https://app.example' } });
    expect(headers.vary).toBe('Origin, Accept-Language, Cookie');
  });
});

describe('assets', () => {
  it('may be kept for good under the address that a page gives, and are checked under any other', async () => {
    await using server = await startTestServer();
    const { body } = await server.app.inject('/');
    const addresses = [...body.matchAll(/(?:href|src)="\.(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '');
    expect(addresses.length).toBeGreaterThanOrEqual(3);
    for (const url of addresses) {
      const asset = await server.app.inject(url);
      expect([asset.statusCode, asset.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
      const stale = await server.app.inject(`${url}0`);
      expect([stale.statusCode, stale.headers['cache-control']]).toEqual([200, 'public, no-cache']);
    }
    expect((await server.app.inject('/favicon.ico')).headers['content-type']).toBe('image/svg+xml');
  });

  it('hold the client of Socket.IO too, for pages of any origin', async () => {
    await using server = await startTestServer();
    for (const name of ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js']) {
      const answer = await server.app.inject({ url: `/socket.io/${name}`, headers: { origin: 'https://app.example' } });
      expect(answer.statusCode).toBe(200);
      expect(answer.headers).toMatchObject({
        'content-type': 'text/javascript; charset=utf-8',
        'cross-origin-resource-policy': 'cross-origin',
        'access-control-allow-origin': '*',
        etag: expect.stringMatching(/^"/),
      });
      expect(answer.body).toContain('Socket.IO v4');
    }
  });

  it.each([
    '/socket.io/style.css',
    '/socket.io/nope.js',
    '/assets/nope.css',
    '/assets/..%2fassets.ts',
    '/assets/toString',
    '/assets/__proto__',
  ])('%s is not one', async (url) => {
    await using server = await startTestServer();
    expect((await server.app.inject(url)).statusCode).toBe(404);
  });
});

describe('errors', () => {
  it('are JSON for programs', async () => {
    await using server = await startTestServer();
    const answer = await server.app.inject('/nope?token=secret');
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.json()).toEqual({ error: { code: 'NOT_FOUND', message: 'There is no such page.' } });
  });

  it('are a page for browsers, in their language', async () => {
    await using server = await startTestServer();
    const answer = await server.app.inject({ url: '/<b>', headers: { ...BROWSER, 'accept-language': 'tr' } });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toContain('<html lang="tr">');
    expect(answer.body).toContain('Böyle bir sayfa yok.');
    expect(answer.body).not.toContain('<b>');
    expect(answer.headers.vary).toBe('Accept, Accept-Language, Cookie');
  });

  it('cost no more for an address that is as long or as deep as can be', async () => {
    await using server = await startTestServer();
    for (const url of [`/${'x'.repeat(15_000)}`, `/${'x/'.repeat(7_500)}`, '/'.repeat(15_000)]) {
      const answer = await server.app.inject({ url, headers: BROWSER });
      expect(answer.statusCode).toBe(404);
      expect(answer.body.length).toBeLessThan(5_000);
    }
  });

  it('tell a wrong method from a wrong address', async () => {
    await using server = await startTestServer();
    const posted = await server.app.inject({ method: 'POST', url: '/health', payload: { a: 1 } });
    expect([posted.statusCode, posted.headers.allow, posted.json().error.code]).toEqual([
      405,
      'GET, HEAD',
      'METHOD_NOT_ALLOWED',
    ]);
    expect((await server.app.inject({ method: 'POST', url: '/' })).statusCode).toBe(405);
    expect((await server.app.inject({ method: 'DELETE', url: '/nope' })).statusCode).toBe(404);
    expect((await server.app.inject({ method: 'HEAD', url: '/docs' })).statusCode).toBe(200);
  });

  it('of the client keep their status: an address, a body, a content type that cannot be read', async () => {
    await using server = await startTestServer();
    const address = await server.app.inject('/%zz');
    expect([address.statusCode, address.json()]).toEqual([
      400,
      { error: { code: 'INVALID_INPUT', message: ERRORS.INVALID_INPUT.message.en } },
    ]);
    const headers = { 'content-type': 'application/json' };
    const large = await server.app.inject({
      method: 'POST',
      url: '/nope',
      headers,
      payload: `"${'x'.repeat(20_000)}"`,
    });
    expect([large.statusCode, large.json().error.code]).toEqual([413, 'INVALID_INPUT']);
  });

  it('of our own are masked and logged', async () => {
    const read = () => {
      throw new Error('database password is hunter2');
    };
    await using server = await startTestServer({ health: { read } });
    const answer = await server.app.inject('/health?lang=en');
    expect([answer.statusCode, answer.json()]).toEqual([
      500,
      { error: { code: 'INTERNAL', message: ERRORS.INTERNAL.message.en } },
    ]);
    const page = await server.app.inject({ url: '/health', headers: BROWSER });
    expect(page.body).not.toContain('hunter2');
    const logged = server.lines.find((line) => line['msg'] === 'request failed');
    expect(logged).toMatchObject({ level: 50, err: { message: 'database password is hunter2' } });
  });

  it.each([
    [302, 500],
    [404, 404],
    [502, 500],
    [503, 503],
  ])('thrown with the status %d are answered with %d', async (statusCode, status) => {
    const read = () => {
      throw Object.assign(new Error('thrown'), { statusCode });
    };
    await using server = await startTestServer({ health: { read } });
    expect((await server.app.inject('/health')).statusCode).toBe(status);
    expect(server.lines.some((line) => line['msg'] === 'request failed')).toBe(status === 500);
  });

  it('below HTTP end the connection with an answer', async () => {
    await using server = await startTestServer();
    const port = await listen(server);
    const garbage = await exchange(port, 'this is not HTTP\r\n\r\n');
    expect(garbage).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(garbage.slice(garbage.indexOf('{')))).toMatchObject({ error: { code: 'INVALID_INPUT' } });
    const long = await exchange(port, `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`);
    expect(long).toMatch(/^HTTP\/1\.1 431 /);
    const alive = await exchange(port, 'GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(alive).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('log', () => {
  it('has a line a request, with no token, query or cookie in it', async () => {
    await using server = await startTestServer({ clientAddress: () => '203.0.113.7' });
    const headers = { authorization: 'Bearer s3cret', cookie: 'sid=s3cret' };
    await server.app.inject({ url: '/docs?token=s3cret', headers });
    await server.app.inject({ url: '/nope?token=s3cret', headers });
    await server.app.inject({ url: '/%zz?token=s3cret', headers });
    await server.app.inject('/health');
    const requests = server.lines.filter((line) => line['msg'] === 'request');
    expect(requests[0]).toMatchObject({ level: 30, method: 'GET', path: '/docs', status: 200, client: '203.0.113.7' });
    expect(requests[0]?.['ms']).toEqual(expect.any(Number));
    expect(requests[1]).toMatchObject({ level: 30, path: '/nope', status: 404 });
    expect(requests.at(-1)).toMatchObject({ level: 20, path: '/health', status: 200 });
    expect(JSON.stringify(server.lines)).not.toContain('s3cret');
  });
});
