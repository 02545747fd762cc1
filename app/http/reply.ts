import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Adds names to the `Vary` header, keeping those that others have set. */
export function addVary(reply: FastifyReply, ...names: string[]): void {
  const present = String(reply.getHeader('vary') ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const known = new Set(present.map((name) => name.toLowerCase()));
  const all = [...present, ...names.filter((name) => !known.has(name.toLowerCase()))];
  if (all.length > 0) reply.header('vary', all.join(', '));
}

/** A short fingerprint of a text. */
export function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** Whether an `If-None-Match` header names the tag, compared weakly (RFC 9110, section 13.1.2). */
function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === tag);
}

/** A text to be sent, and how it may be kept. */
export interface Content {
  readonly body: string;
  readonly type: string;
  readonly cacheControl: string;
}

/** Sends a text with its `ETag`; only the headers when the client has it already. */
export function sendContent(request: FastifyRequest, reply: FastifyReply, content: Content): void {
  const tag = `"${fingerprint(content.body)}"`;
  reply.header('etag', tag).header('cache-control', content.cacheControl);
  if (isKnown(request.headers['if-none-match'], tag)) reply.code(304).send();
  else reply.type(content.type).send(content.body);
}

const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/**
 * Where the client reached this server, for examples on a page that it alone is shown: as its own headers say, with
 * `https` when a proxy says so. Never a ground for a decision.
 */
export function addressOf(request: FastifyRequest): { host: string; secure: boolean } {
  const host = request.headers.host ?? '';
  const forwarded = String(request.headers['x-forwarded-proto'] ?? '')
    .split(',')[0]
    ?.trim();
  return { host: HOST.test(host) ? host : 'localhost', secure: request.protocol === 'https' || forwarded === 'https' };
}

/** {@link addressOf} as a URL without a path. */
export function baseUrlOf(request: FastifyRequest): string {
  const { host, secure } = addressOf(request);
  return `${secure ? 'https' : 'http'}://${host}`;
}
