import { COMMAND_NAMES, ERROR_CODES, EVENT_NAMES } from '../../protocol/index.ts';
import { type Html, html } from './html.ts';

/** Where the documentation page tells of a name; commands go before the events of the same name. */
const ANCHORS: ReadonlyMap<string, string> = new Map([
  ...ERROR_CODES.map((code) => [code, `#error-${code}`] as const),
  ...EVENT_NAMES.map((name) => [name, `#event-${name}`] as const),
  ...COMMAND_NAMES.map((name) => [name, `#command-${name}`] as const),
]);

/** A name in code, linked to where the documentation page tells of it. */
export function codeName(name: string): Html {
  const anchor = ANCHORS.get(name);
  const code = html`<code>${name}</code>`;
  return anchor === undefined ? code : html`<a class="ref" href="${anchor}">${code}</a>`;
}

/** Text of the protocol as HTML: what stands in backticks becomes code, linked when it is the name of something. */
export function prose(text: string): Html {
  const parts = text.split('`');
  return html`${parts.map((part, i) => (i % 2 === 1 && i < parts.length - 1 ? codeName(part) : i % 2 === 1 ? `\`${part}` : part))}`;
}
