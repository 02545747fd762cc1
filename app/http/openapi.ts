import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { HttpApp } from './app.ts';
import { assetUrl } from './assets.ts';
import { type Html, html } from './html.ts';
import { createContent, once, sendContent } from './reply.ts';
import { SWAGGER_UI_CSP } from './security.ts';

/** One HTTP endpoint, as the OpenAPI document tells it. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly statuses: readonly string[];
}

/** Gathers the schemas of all routes added after it. */
export function registerOpenApi(app: FastifyInstance, version: string): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sohbet over HTTP',
        version,
        description: 'The HTTP side of Sohbet. The chat itself runs over Socket.IO: see /docs and /asyncapi.json.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'operation', description: 'For those who run the server.' },
        { name: 'documents', description: 'For those who build on it.' },
      ],
      components: { securitySchemes: { metricsToken: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  });
}

/** Swagger UI. Its script shows what is in `openapi.json`. */
function swaggerPage(): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sohbet: HTTP API</title>
<link rel="icon" href="../${assetUrl('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="../${assetUrl('swagger.css')}">
</head>
<body>
<div id="swagger-ui"></div>
<script src="../${assetUrl('swagger.js')}"></script>
</body>
</html>
`;
}

/** Adds `GET /openapi.json`, and `/docs/http` that shows it. */
export function openApiRoutes(app: HttpApp): void {
  const swagger = createContent(swaggerPage().toString());
  app.get('/docs/http', { schema: { hide: true } }, (_request, reply) =>
    sendContent(reply.header('content-security-policy', SWAGGER_UI_CSP), swagger, {
      type: 'text/html; charset=utf-8',
      cacheControl: 'public, no-cache',
    }),
  );

  // Addresses are relative to that of the document: the plugin would not take that.
  const document = once(() => createContent(JSON.stringify({ ...app.swagger(), servers: [{ url: './' }] }, null, 2)));
  app.get(
    '/openapi.json',
    {
      schema: {
        summary: 'OpenAPI 3.1 document',
        description: 'The HTTP side, made from the schemas of its routes.',
        tags: ['documents'],
        response: { 200: z.looseObject({ openapi: z.string() }).describe('The document.') },
      },
    },
    (_request, reply) =>
      sendContent(reply, document(''), { type: 'application/json; charset=utf-8', cacheControl: 'public, no-cache' }),
  );
}

interface Described {
  readonly summary?: string;
  readonly description?: string;
  readonly responses?: object;
}

/** The endpoints of the OpenAPI document; only once the server is ready. */
export function endpoints(app: HttpApp): Endpoint[] {
  return Object.entries(app.swagger().paths ?? {}).flatMap(([path, operations]) =>
    Object.entries(operations as Readonly<Record<string, Described>>).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      summary: operation.summary ?? '',
      description: operation.description ?? '',
      statuses: Object.keys(operation.responses ?? {}),
    })),
  );
}
