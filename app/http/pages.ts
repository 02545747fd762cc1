import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { LOCALES, type Locale } from '../../protocol/index.ts';
import type { HttpApp } from './app.ts';
import { createAsyncApi } from './asyncapi.ts';
import { docsPage } from './docs.ts';
import { createHomePage } from './home.ts';
import type { Html } from './html.ts';
import { chooseLanguage, languageCookie } from './language.ts';
import { endpoints } from './openapi.ts';
import { addressOf, addVary, baseUrlOf, sendContent } from './reply.ts';

const PageQuery = z.object({
  lang: z.enum(LOCALES).optional().catch(undefined).describe('The language of the page; remembered by a cookie.'),
});

const pageSchema = (summary: string, description: string) => ({
  summary,
  description,
  tags: ['documents'],
  querystring: PageQuery,
  response: { 200: { content: { 'text/html': { schema: z.string() } }, description: 'The page.' } },
});

function sendPage(
  request: FastifyRequest<{ Querystring: z.infer<typeof PageQuery> }>,
  reply: FastifyReply,
  render: (locale: Locale) => Html,
): void {
  const { lang } = request.query;
  if (lang !== undefined) reply.header('set-cookie', languageCookie(lang));
  addVary(reply, 'Accept-Language', 'Cookie');
  const body = render(chooseLanguage(lang, request.headers)).toString();
  sendContent(request, reply, { body, type: 'text/html; charset=utf-8', cacheControl: 'private, no-cache' });
}

/** Calls `make` once for each language, when it is first asked for. */
function oncePerLocale<T>(make: (locale: Locale) => T): (locale: Locale) => T {
  const made = new Map<Locale, T>();
  return (locale) => {
    const result = made.get(locale) ?? make(locale);
    made.set(locale, result);
    return result;
  };
}

/** Adds the home page, the documentation and `/asyncapi.json`. */
export function pageRoutes(app: HttpApp, version: string): void {
  const home = oncePerLocale((locale) => createHomePage(locale, version));
  app.get(
    '/',
    { schema: pageSchema('Home page', 'What Sohbet is, a first chat, and an example of every command.') },
    (request, reply) => sendPage(request, reply, (locale) => home(locale)(baseUrlOf(request))),
  );

  const docs = oncePerLocale((locale) => docsPage({ locale, version, endpoints: endpoints(app) }));
  app.get(
    '/docs',
    { schema: pageSchema('Documentation', 'HTTP and Socket.IO alike, on one page.') },
    (request, reply) => sendPage(request, reply, docs),
  );

  const asyncApi = createAsyncApi(version);
  app.get(
    '/asyncapi.json',
    {
      schema: {
        summary: 'AsyncAPI 3 document',
        description: 'The Socket.IO side: every command, its answer, and every event.',
        tags: ['documents'],
        response: { 200: z.looseObject({ asyncapi: z.string() }).describe('The document.') },
      },
    },
    (request, reply) =>
      sendContent(request, reply, {
        body: JSON.stringify(asyncApi(addressOf(request)), null, 2),
        type: 'application/json; charset=utf-8',
        cacheControl: 'private, no-cache',
      }),
  );
}
