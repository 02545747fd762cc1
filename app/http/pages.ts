import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { LOCALES, type Locale, type Wording } from '../../protocol/index.ts';
import type { HttpApp } from './app.ts';
import { createAsyncApi } from './asyncapi.ts';
import { docsPage } from './docs.ts';
import { homePage } from './home.ts';
import { chooseLanguage, languageCookie } from './language.ts';
import { endpoints, summarized } from './openapi.ts';
import { addressOf, addVary, type Content, createContent, once, sendContent, Template } from './reply.ts';

const PageQuery = z.object({
  lang: z.enum(LOCALES).optional().catch(undefined).describe('The language of the page; remembered by a cookie.'),
});

const pageSchema = (summary: Wording, description: string) => ({
  ...summarized(summary),
  description,
  tags: ['documents'],
  querystring: PageQuery,
  response: { 200: { content: { 'text/html': { schema: z.string() } }, description: 'The page.' } },
});

type PageRequest = FastifyRequest<{ Querystring: z.infer<typeof PageQuery> }>;

function sendPage(request: PageRequest, reply: FastifyReply, contentOf: (locale: Locale) => Content): void {
  const { lang } = request.query;
  if (lang !== undefined) reply.header('set-cookie', languageCookie(lang));
  addVary(reply, 'Accept-Language', 'Cookie');
  const content = contentOf(chooseLanguage(lang, request.headers));
  sendContent(reply, content, { type: 'text/html; charset=utf-8', cacheControl: 'private, no-cache' });
}

/** Adds the home page, the documentation and `/asyncapi.json`. */
export function pageRoutes(app: HttpApp, version: string): void {
  const template = (locale: Locale, isBelow: boolean) =>
    new Template(homePage({ locale, version, isBelow }).toString());
  const atRoot = once((locale: Locale) => template(locale, false));
  const below = once((locale: Locale) => template(locale, true));
  app.get(
    '/',
    {
      schema: pageSchema(
        { en: 'Home page', tr: 'Ana sayfa' },
        'What Sohbet is, a first chat, and an example of every command.',
      ),
    },
    (request, reply) => {
      const address = addressOf(request);
      const home = address.prefix === '' ? atRoot : below;
      sendPage(request, reply, (locale) => home(locale).fill(address));
    },
  );

  const docs = once((locale: Locale) =>
    createContent(docsPage({ locale, version, endpoints: endpoints(app) }).toString()),
  );
  app.get(
    '/docs',
    { schema: pageSchema({ en: 'Documentation', tr: 'Belgeler' }, 'HTTP and Socket.IO alike, on one page.') },
    (request, reply) => sendPage(request, reply, docs),
  );

  const asyncApi = new Template(JSON.stringify(createAsyncApi(version), null, 2));
  app.get(
    '/asyncapi.json',
    {
      schema: {
        ...summarized({ en: 'AsyncAPI 3 document', tr: 'AsyncAPI 3 belgesi' }),
        description: 'The Socket.IO side: every command, its answer, and every event.',
        tags: ['documents'],
        response: { 200: z.looseObject({ asyncapi: z.string() }).describe('The document.') },
      },
    },
    (request, reply) =>
      sendContent(reply, asyncApi.fill(addressOf(request)), {
        type: 'application/json; charset=utf-8',
        cacheControl: 'private, no-cache',
      }),
  );
}
