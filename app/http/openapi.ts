import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { HttpApp } from './app.ts';
import { sendContent } from './reply.ts';
import { SWAGGER_UI_CSP } from './security.ts';

/** One HTTP endpoint, as the OpenAPI document tells it. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly statuses: readonly string[];
}

/** Gathers the schemas of all routes added after it, and shows them at `/docs/http`. */
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
      servers: [{ url: '/' }],
      tags: [
        { name: 'operation', description: 'For those who run the server.' },
        { name: 'documents', description: 'For those who build on it.' },
      ],
      components: { securitySchemes: { metricsToken: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  });
  app.register(swaggerUi, {
    routePrefix: '/docs/http',
    staticCSP: SWAGGER_UI_CSP,
    theme: { title: 'Sohbet: HTTP API' },
    uiConfig: { layout: 'BaseLayout', deepLinking: false },
  });
}

/** Adds `GET /openapi.json`. */
export function openApiRoute(app: HttpApp): void {
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
    (request, reply) =>
      sendContent(request, reply, {
        body: JSON.stringify(app.swagger(), null, 2),
        type: 'application/json; charset=utf-8',
        cacheControl: 'public, no-cache',
      }),
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
