import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { aboutCode, type ErrorCode, type Locale, type Wording } from '../../protocol/index.ts';
import { html } from './html.ts';
import { chooseLanguage } from './language.ts';
import { page } from './page.ts';
import { addVary } from './reply.ts';

type HttpErrorCode = ErrorCode | 'NOT_FOUND' | 'METHOD_NOT_ALLOWED';

/** The body of an answer that is an error. */
export const HttpError = z.object({
  error: z.object({ code: z.string(), message: z.string(), retry_after_ms: z.number().optional() }),
});

const OWN_WORDING: Readonly<Record<Exclude<HttpErrorCode, ErrorCode>, Wording>> = {
  NOT_FOUND: { en: 'There is no such page.', tr: 'Böyle bir sayfa yok.' },
  METHOD_NOT_ALLOWED: { en: 'This address is only read.', tr: 'Bu adres yalnızca okunur.' },
};

const CODES: Readonly<Record<number, HttpErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  429: 'RATE_LIMITED',
  503: 'UNAVAILABLE',
};

/** The error code that a status stands for: of 4xx `INVALID_INPUT` and of 5xx `INTERNAL`, unless it has its own. */
function errorCode(status: number): HttpErrorCode {
  return CODES[status] ?? (status < 500 ? 'INVALID_INPUT' : 'INTERNAL');
}

function wording(code: HttpErrorCode, waitMs: number | undefined, locale: Locale): string {
  const isOwn = code === 'NOT_FOUND' || code === 'METHOD_NOT_ALLOWED';
  return isOwn ? OWN_WORDING[code][locale] : aboutCode(code, waitMs, locale);
}

/** The JSON body of an error; `waitMs` is for how long to wait before the next try. */
export function errorBody(status: number, locale: Locale = 'en', waitMs?: number): z.infer<typeof HttpError> {
  const code = errorCode(status);
  const retry_after_ms = waitMs === undefined ? undefined : Math.ceil(waitMs);
  return { error: { code, message: wording(code, waitMs, locale), ...(retry_after_ms && { retry_after_ms }) } };
}

/** Whether the client is a browser that shows a page, rather than a program. */
const wantsPage = (request: FastifyRequest) => /\btext\/html\b/i.test(request.headers.accept ?? '');

/** No address of the server lies as deep. */
const DEPTH_MAX = 20;

/** The way from the path of a URL to the root of the server. */
function rootFrom(url: string): string {
  const [path = '/'] = url.split(/[?#]/);
  const depth = path.split('/').length - 2;
  if (depth > DEPTH_MAX) return '/';
  return '../'.repeat(depth) || './';
}

const HOME: Wording = { en: 'Back to the start page', tr: 'Başlangıç sayfasına dön' };

/** Answers with an error: JSON for programs, a small page for browsers. */
export function sendError(request: FastifyRequest, reply: FastifyReply, status: number): FastifyReply {
  const locale = chooseLanguage(undefined, request.headers);
  const { error } = errorBody(status, locale);
  addVary(reply, 'Accept', 'Accept-Language', 'Cookie');
  reply.code(status).header('cache-control', 'no-store');
  if (!wantsPage(request)) return reply.type('application/json; charset=utf-8').send(JSON.stringify({ error }));
  const root = rootFrom(request.url);
  const body = html`<main id="main" class="error"><p class="status">${status}</p><h1>${error.message}</h1>
<p><code>${error.code}</code></p><p><a href="${root}">${HOME[locale]}</a></p></main>`;
  return reply.type('text/html; charset=utf-8').send(page({ locale, title: error.message, body, root }).toString());
}

/**
 * Answers a request for an address that does not exist, or that exists for reading only. One slash too many at its end
 * leads to where it is meant, in words that hold below any path.
 */
export function handleNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?')[0] ?? '/';
  const has = (url: string) => request.server.hasRoute({ method: 'GET', url });
  const short = path.slice(0, -1);
  if (path.endsWith('/') && has(short)) {
    const name = short.slice(short.lastIndexOf('/') + 1);
    return reply.redirect(`../${name}${request.url.slice(path.length)}`, 308);
  }
  const readable = request.method !== 'GET' && has(path);
  if (!readable) return sendError(request, reply, 404);
  return sendError(request, reply.header('allow', 'GET, HEAD'), 405);
}

/** Answers a request whose handling failed: faults of the client keep their status, all else is masked and logged. */
export function handleError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error.statusCode ?? 500;
  if ((status >= 400 && status < 500) || status === 503) return sendError(request, reply, status);
  request.log.error({ err: error }, 'request failed');
  return sendError(request, reply, 500);
}

/** Answers a request that never reached a route (an address that cannot be decoded): no hook has set a header for it. */
export function handleFrameworkError(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error.statusCode ?? 500;
  return reply
    .code(status)
    .header('x-content-type-options', 'nosniff')
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(errorBody(status)));
}
