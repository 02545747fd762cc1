import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { HttpApp } from './app.ts';
import { type Content, fingerprint, sendContent } from './reply.ts';

const TYPES = {
  'style.css': 'text/css; charset=utf-8',
  'home.css': 'text/css; charset=utf-8',
  'docs.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'tiles.svg': 'image/svg+xml',
} as const;

/** A file that the pages use. */
export type AssetName = keyof typeof TYPES;

interface Asset {
  readonly body: string;
  readonly version: string;
}

function load(...files: readonly string[]): Asset {
  const read = (file: string) => readFileSync(new URL(`assets/${file}`, import.meta.url), 'utf8');
  const body = files.map(read).join('\n');
  return { body, version: fingerprint(body).slice(0, 10) };
}

const ASSETS: Readonly<Record<AssetName, Asset>> = {
  'style.css': load('base.css', 'frame.css'),
  'home.css': load('home.css'),
  'docs.css': load('docs.css'),
  'icon.svg': load('icon.svg'),
  'tiles.svg': load('tiles.svg'),
};

const isAsset = (name: string): name is AssetName => Object.hasOwn(ASSETS, name);

/** The address of an asset. It changes with the content, so a browser may keep what it got for good. */
export const assetUrl = (name: AssetName): string => `/assets/${name}?v=${ASSETS[name].version}`;

function content(name: AssetName, version: string | undefined): Content {
  const { body, version: current } = ASSETS[name];
  const cacheControl = version === current ? 'public, max-age=31536000, immutable' : 'public, no-cache';
  return { body, type: TYPES[name], cacheControl };
}

/** Adds `GET /assets/…` and `/favicon.ico`. */
export function assetRoutes(app: HttpApp): void {
  app.get(
    '/assets/:name',
    {
      schema: {
        hide: true,
        params: z.object({ name: z.string() }),
        querystring: z.object({ v: z.string().optional().catch(undefined) }),
      },
    },
    (request, reply) => {
      const { name } = request.params;
      return isAsset(name) ? sendContent(request, reply, content(name, request.query.v)) : reply.callNotFound();
    },
  );
  app.get('/favicon.ico', { schema: { hide: true } }, (request, reply) =>
    sendContent(request, reply, content('icon.svg', undefined)),
  );
}
