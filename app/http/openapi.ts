import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Wording } from '../../protocol/index.ts';
import type { HttpApp } from './app.ts';
import { createContent, once, sendContent } from './reply.ts';
import type { JsonSchema } from './schemas.ts';

/** What a request may carry in its query. */
export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

/** One answer of an endpoint, by the type of its content. */
export interface Answer {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

/** One HTTP endpoint, as the OpenAPI document tells it. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly summary: Wording;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  /** By status. */
  readonly responses: Readonly<Record<string, Answer>>;
}

/** The summary of a route for its schema: in the document in English, and beside it in Turkish. */
export const summarized = ({ en, tr }: Wording) => ({ summary: en, [SUMMARY_TR]: tr });

const SUMMARY_TR = 'x-summary-tr';

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

/** Adds `GET /openapi.json`, and sends who asks for `/docs/http`, where it once was shown, to where it is shown now. */
export function openApiRoutes(app: HttpApp): void {
  app.get('/docs/http', { schema: { hide: true } }, (_request, reply) => reply.redirect('../docs#http', 301));

  // Addresses are relative to that of the document: the plugin would not take that.
  const document = once(() => createContent(JSON.stringify({ ...app.swagger(), servers: [{ url: './' }] }, null, 2)));
  app.get(
    '/openapi.json',
    {
      schema: {
        ...summarized({ en: 'OpenAPI 3.1 document', tr: 'OpenAPI 3.1 belgesi' }),
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
  readonly [SUMMARY_TR]?: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly responses?: Readonly<Record<string, Answer>>;
}

/** The endpoints of the OpenAPI document; only once the server is ready. */
export function endpoints(app: HttpApp): Endpoint[] {
  return Object.entries(app.swagger().paths ?? {}).flatMap(([path, operations]) =>
    Object.entries(operations as Readonly<Record<string, Described>>).map(([method, operation]) => {
      const { summary = '', description = '', parameters = [], responses = {} } = operation;
      const words = { en: summary, tr: operation[SUMMARY_TR] ?? summary };
      return { method: method.toUpperCase(), path, summary: words, description, parameters, responses };
    }),
  );
}
