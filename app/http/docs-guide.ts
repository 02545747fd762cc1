import type { Locale } from '../../protocol/index.ts';
import type { DocsWords } from './docs-words.ts';
import { refusalExample } from './examples.ts';
import { codeBlock } from './highlight.ts';
import { type HtmlValue, html } from './html.ts';
import { headingId, headingsOf, markdown, sectionOf, sectionsOf } from './markdown.ts';
import { fieldList, typeName } from './schema-fields.ts';
import { COMPONENTS, type JsonSchema } from './schemas.ts';
import { readText, TEXTS } from './texts.ts';

/** A part of the documentation page. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: HtmlValue;
  /** What the navigation lists below it: the ids and names of its parts. */
  readonly parts?: readonly (readonly [id: string, name: HtmlValue])[];
}

const model = (name: string) => typeName({ $ref: COMPONENTS + name });

/** How the protocol's document is read: in English, whatever the language of the page. */
const english = (body: HtmlValue) => html`<div lang="en">${body}</div>`;

function section(title: string, heading: string): Section {
  const text = sectionOf(readText(TEXTS.protocol), heading);
  return { id: headingId(heading), title, body: english(markdown(text, heading)) };
}

/** What holds for every command and event. */
export function conventions(words: DocsWords): Section {
  const { body, ...rest } = section(words.conventions, 'Conventions');
  const refusal = html`${codeBlock(refusalExample(), 'json', 'A refusal')}<p>The shapes: ${model('Refused')}, ${model('Error')}.</p>`;
  return { ...rest, body: [body, english(refusal)] };
}

/** How a client signs in and comes back. `handshake` is the schema of the handshake's `auth`. */
export function signingIn(handshake: JsonSchema, words: DocsWords): Section {
  const { body, ...rest } = section(words.signingIn, 'Signing in');
  const auth = html`<h3 id="model-HandshakeAuth">HandshakeAuth</h3>${fieldList(handshake, words, 'client')}`;
  return { ...rest, body: [body, auth] };
}

/** The numbered log of a room. */
export const roomLog = (words: DocsWords): Section => section(words.log, 'A room is a log');

/** What is true of names, rooms, messages and presence. */
export const rules = (words: DocsWords): Section => section(words.rules, 'Rules');

/** What later servers keep. */
export const compatibility = (words: DocsWords): Section => section(words.compatibility, 'Compatibility');

/** What a client does, in the language of the page. */
export function clientRules(locale: Locale): Section {
  const text = readText(TEXTS.rules[locale]);
  const title = /^# (.*)$/m.exec(text)?.[1] ?? '';
  const body = sectionsOf(text);
  const parts = headingsOf(body).map((name) => [headingId(name), name] as const);
  return { id: 'what-a-client-does', title, body: markdown(body, title), parts };
}
