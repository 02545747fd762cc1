import { io } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { TRANSPORTS } from './support/client.ts';
import { deadline } from './support/deadline.ts';
import { startPrefixProxy } from './support/prefix-proxy.ts';
import { proxyVersion, startProxy } from './support/proxies.ts';
import { sharedServer } from './support/server.ts';

/** The addresses that a page or a style sheet names, as a browser reads them. */
function linksOf(text: string, address: string): URL[] {
  const found = [...text.matchAll(/\b(?:href|src)="([^"]+)"/g), ...text.matchAll(/url\("?([^)"]+)"?\)/g)];
  return found.map(([, link]) => new URL(link?.replaceAll('&amp;', '&') ?? '', address));
}

/** Follows every link and asset from a page on; gives the status of each address, and by which page it was named. */
async function crawl(start: string): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  const waiting: [address: string, namedBy: string][] = [[start, '']];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [address, namedBy] = next;
    if (seen.has(address)) continue;
    const response = await fetch(address);
    seen.set(address, `${response.status}, named by ${namedBy}`);
    const text = await response.text();
    if (!/^text\/(?:html|css)/.test(response.headers.get('content-type') ?? '')) continue;
    for (const link of linksOf(text, response.url)) {
      if (/^https?:$/.test(link.protocol)) waiting.push([link.href.replace(/#.*/, ''), response.url]);
    }
  }
  return seen;
}

/** Those that are not there. /metrics is there, for others than proxies. */
function missing(seen: Map<string, string>): [address: string, status: string][] {
  return [...seen].filter(([address, status]) => !status.startsWith(address.endsWith('/metrics') ? '403' : '200'));
}

describe('below a path of a proxy', () => {
  const server = sharedServer();

  it.each(['/chat', '/a/b/c'])('%s: every link and every asset of every page is there', async (prefix) => {
    await using proxy = await startPrefixProxy(server.url, prefix);
    const seen = await crawl(`${proxy.origin}${prefix}`);
    expect(seen.size).toBeGreaterThan(15);
    expect(missing(seen)).toEqual([]);
    expect([...seen.keys()].filter((address) => !address.startsWith(proxy.origin + prefix))).toEqual([]);
    for (const path of ['docs', 'health', 'openapi.json', 'asyncapi.json'])
      expect([...seen.keys()]).toContain(`${proxy.origin}${prefix}/${path}`);
  });

  const installed = (['nginx', 'caddy'] as const).filter((name) => proxyVersion(name) !== undefined);

  it.each(installed)('so too behind %s, as the guide sets it up', async (name) => {
    await using proxy = await startProxy(name, server.url, { isBelow: true });
    const seen = await crawl(`${proxy.url}/chat`);
    expect(missing(seen)).toEqual([]);
    expect([...seen.keys()]).toContain(`${proxy.url}/chat/docs`);
    const page = await (await fetch(`${proxy.url}/chat/`)).text();
    expect(page).toContain('/chat/socket.io/');
    for (const transport of TRANSPORTS) {
      const socket = io(proxy.url, { path: '/chat/socket.io/', transports: [transport], forceNew: true });
      await deadline(new Promise((resolve) => socket.once('connect', () => resolve(true))), 'the connection');
      socket.close();
    }
  });

  it.each(['nothing', 'docs/nothing', 'a/b/c/'])('the error page %s leads back', async (path) => {
    await using proxy = await startPrefixProxy(server.url, '/chat');
    const address = `${proxy.origin}/chat/${path}`;
    const response = await fetch(address, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(404);
    const links = linksOf(await response.text(), address).map(({ href }) => href.replace(/\?.*/, ''));
    expect(links).toContain(`${proxy.origin}/chat/`);
    expect(links).toContain(`${proxy.origin}/chat/assets/style.css`);
  });

  it.each(['docs/', 'health/live/', 'health/'])('%s, with a slash too many, is found', async (path) => {
    await using proxy = await startPrefixProxy(server.url, '/chat');
    const response = await fetch(`${proxy.origin}/chat/${path}?lang=tr`);
    expect(response.status).toBe(200);
    expect(response.url).toBe(`${proxy.origin}/chat/${path.slice(0, -1)}?lang=tr`);
  });

  it('the language that was chosen is remembered for it, and for nothing else on the host', async () => {
    await using proxy = await startPrefixProxy(server.url, '/chat');
    const cookie = (await fetch(`${proxy.origin}/chat/?lang=tr`)).headers.get('set-cookie');
    // By default a cookie is for the folder of the address that set it.
    expect(cookie).not.toMatch(/path/i);
  });

  it.each(TRANSPORTS)('the example of the home page says how to connect there, over %s', async (transport) => {
    await using proxy = await startPrefixProxy(server.url, '/chat');
    const page = await (await fetch(`${proxy.origin}/chat/`)).text();
    const code = page.replace(/<[^>]+>/g, '').replaceAll('&#39;', "'");
    const [, url = '', path = ''] = /io\('([^']+)', \{ path: '([^']+)', /.exec(code) ?? [];
    expect([url, path]).toEqual([proxy.origin, '/chat/socket.io/']);
    const socket = io(url, { path, transports: [transport], forceNew: true, reconnection: false });
    try {
      await deadline(new Promise((resolve) => socket.once('connect', () => resolve(true))), 'the connection');
    } finally {
      socket.close();
    }
    const document = (await (await fetch(`${proxy.origin}/chat/asyncapi.json`)).json()) as object;
    expect(document).toMatchObject({ servers: { this: { pathname: path, host: new URL(proxy.origin).host } } });
  });
});
