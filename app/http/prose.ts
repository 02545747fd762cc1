import { COMMAND_NAMES, ERROR_CODES, EVENT_NAMES } from '../../protocol/index.ts';
import { type Html, type HtmlValue, html } from './html.ts';

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

/** Where the documentation page shows another document. */
const SHOWN: Readonly<Record<string, string>> = { 'client-rules.md': '#what-a-client-does' };

/** In a line: code, bold text, and links. */
const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|\[((?:`[^`]*`|[^\]`])+)\]\(([^)]+)\)/g;

function inline([all, code, bold, text, target]: RegExpExecArray): HtmlValue {
  if (code !== undefined) return codeName(code);
  if (bold !== undefined) return html`<b>${prose(bold)}</b>`;
  if (text === undefined || target === undefined) return all;
  const place = SHOWN[target] ?? target;
  // Other files of the repository are not to be had from the server.
  return place.startsWith('#') ? html`<a href="${place}">${plain(text)}</a>` : prose(text);
}

/** Text with code that leads nowhere. */
const plain = (text: string) => text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));

/**
 * Text of the protocol or of a document as HTML: what stands in backticks becomes code, linked when it is the name of
 * something; bold text and links stay what they are.
 */
export function prose(text: string): Html {
  const parts: HtmlValue[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    parts.push(text.slice(end, match.index), inline(match));
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return html`${parts}`;
}
