import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { HttpApp } from './app.ts';
import { type Content, createContent, type Sending, sendContent } from './reply.ts';

const require = createRequire(import.meta.url);
const own = join(import.meta.dirname, 'assets');
const client = join(dirname(require.resolve('socket.io/package.json')), 'client-dist');

const STYLE = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';
const IMAGE = 'image/svg+xml';

/** What is served, with its type and the files that it is made of. */
const FILES = {
  'style.css': [STYLE, join(own, 'base.css'), join(own, 'frame.css')],
  'home.css': [STYLE, join(own, 'home.css')],
  'docs.css': [STYLE, join(own, 'docs.css')],
  'icon.svg': [IMAGE, join(own, 'icon.svg')],
  'tiles.svg': [IMAGE, join(own, 'tiles.svg')],
  'socket.io.js': [SCRIPT, join(client, 'socket.io.js')],
  'socket.io.min.js': [SCRIPT, join(client, 'socket.io.min.js')],
  'socket.io.esm.min.js': [SCRIPT, join(client, 'socket.io.esm.min.js')],
} as const satisfies Readonly<Record<string, readonly [type: string, ...files: string[]]>>;

/** A file that pages use. */
export type AssetName = keyof typeof FILES;

const isAsset = (name: string): name is AssetName => Object.hasOwn(FILES, name);

interface Asset extends Content {
  readonly type: string;
  /** Changes with the content. */
  readonly version: string;
}

/** The whole of it is some hundred kilobytes; in memory no request opens a file, and all answers share the bytes. */
const ASSETS = Object.fromEntries(
  Object.entries(FILES).map(([name, [type, ...files]]): [string, Asset] => {
    const content = createContent(files.map((file) => readFileSync(file, 'utf8')).join('\n'));
    return [name, { ...content, type, version: content.tag.slice(1, 11) }];
  }),
) as Readonly<Record<AssetName, Asset>>;

/**
 * The address of an asset, from where the server is reached. It changes with the content, so a browser may keep what it
 * got for good.
 */
export const assetUrl = (name: AssetName): string => `assets/${name}?v=${ASSETS[name].version}`;

function sending(name: AssetName, version: string | undefined): Sending {
  const { type, version: current } = ASSETS[name];
  const cacheControl = version === current ? 'public, max-age=31536000, immutable' : 'public, no-cache';
  return { type, cacheControl };
}

const hidden = {
  hide: true,
  params: z.object({ name: z.string() }),
  querystring: z.object({ v: z.string().optional().catch(undefined) }),
};

/** Adds `GET /assets/…`, `/favicon.ico`, and Socket.IO's client where pages look for it. */
export function assetRoutes(app: HttpApp): void {
  app.get('/assets/:name', { schema: hidden }, (request, reply) => {
    const { name } = request.params;
    if (!isAsset(name)) return reply.callNotFound();
    return sendContent(reply, ASSETS[name], sending(name, request.query.v));
  });
  app.get('/favicon.ico', { schema: { hide: true } }, (_request, reply) =>
    sendContent(reply, ASSETS['icon.svg'], sending('icon.svg', undefined)),
  );
  app.get('/socket.io/:name', { schema: hidden }, (request, reply) => {
    const { name } = request.params;
    if (!isAsset(name) || !name.startsWith('socket.io.')) return reply.callNotFound();
    // Pages of other origins load it too: those that chat over this server.
    return sendContent(
      reply.header('cross-origin-resource-policy', 'cross-origin'),
      ASSETS[name],
      sending(name, undefined),
    );
  });
}
