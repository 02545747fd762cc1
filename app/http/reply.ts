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

/** A short fingerprint of a text or of bytes. */
function fingerprint(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('base64url').slice(0, 22);
}

/** Whether an `If-None-Match` header names the tag, compared weakly (RFC 9110, section 13.1.2). */
function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === tag);
}

/** What is sent again and again: its bytes, which all answers share, and their `ETag`. */
export interface Content {
  readonly body: Buffer;
  readonly tag: string;
}

/** Makes content of a text or of bytes, once. */
export function createContent(content: string | Buffer): Content {
  return { body: Buffer.from(content), tag: `"${fingerprint(content)}"` };
}

/** Makes what is asked for when it is asked for first, once for each key; the keys must be few. */
export function once<K extends string, T>(make: (key: K) => T): (key: K) => T {
  const made = new Map<K, T>();
  return (key) => {
    const result = made.get(key) ?? make(key);
    made.set(key, result);
    return result;
  };
}

/** How a content is sent. */
export interface Sending {
  readonly type: string;
  readonly cacheControl: string;
}

/** Sends content with its `ETag`; only the headers when the client has it already. */
export function sendContent(reply: FastifyReply, { body, tag }: Content, { type, cacheControl }: Sending): void {
  reply.header('etag', tag).header('cache-control', cacheControl);
  if (isKnown(reply.request.headers['if-none-match'], tag)) reply.code(304).send();
  else reply.type(type).send(body);
}

/** Where a client reaches the server, as its own request tells. */
export interface ServerAddress {
  /** Host name and port, as in the `Host` header. */
  readonly host: string;
  readonly secure: boolean;
  /** The path below which a proxy shows the server, such as `/chat`; empty at the root. */
  readonly prefix: string;
}

const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const PREFIX = /^(?:\/[A-Za-z0-9._~-]+)+$/;

/**
 * Where the client reached this server, for examples on a page that it alone is shown: as its own headers say, with
 * `https` and a path when a proxy says so. Never a ground for a decision. It holds only characters that stand for
 * themselves in HTML, JSON and JavaScript.
 */
export function addressOf(request: FastifyRequest): ServerAddress {
  const first = (name: string) =>
    String(request.headers[name] ?? '')
      .split(',')[0]
      ?.trim() ?? '';
  const host = request.headers.host ?? '';
  const prefix = first('x-forwarded-prefix').replace(/\/$/, '');
  return {
    host: HOST.test(host) ? host : 'localhost',
    secure: request.protocol === 'https' || first('x-forwarded-proto') === 'https',
    prefix: PREFIX.test(prefix) ? prefix : '',
  };
}

/** The `http:` or `https:` URL of a server without a path. */
function originOf({ host, secure }: ServerAddress): string {
  return `${secure ? 'https' : 'http'}://${host}`;
}

/** Stand in a {@link Template} for what differs from one request to the next. */
export const MARKS = {
  origin: 'http://origin.invalid',
  host: 'host.invalid',
  protocol: 'ws.invalid',
  prefix: '/prefix.invalid',
};

/** A text that is made once, with {@link MARKS} where the address of the server will stand. */
export class Template {
  readonly #parts: readonly (Buffer | keyof typeof MARKS)[];
  readonly #tag: string;

  constructor(text: string) {
    const names = new Map(Object.entries(MARKS).map(([name, mark]) => [mark, name as keyof typeof MARKS]));
    const marks = new RegExp(`(${[...names.keys()].join('|')})`);
    this.#parts = text.split(marks).map((part) => names.get(part) ?? Buffer.from(part));
    this.#tag = fingerprint(text);
  }

  /** The text with an address in it. */
  fill(address: ServerAddress): Content {
    const { host, secure, prefix } = address;
    const values = { origin: originOf(address), host, protocol: secure ? 'wss' : 'ws', prefix };
    const parts = this.#parts.map((part) => (typeof part === 'string' ? Buffer.from(values[part]) : part));
    return { body: Buffer.concat(parts), tag: `"${this.#tag}.${fingerprint(Object.values(values).join(' '))}"` };
  }
}
