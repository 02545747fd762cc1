import { type Html, type HtmlValue, html } from './html.ts';

/** The languages that code blocks are coloured in, but for `text`. */
export type CodeLanguage = 'js' | 'json' | 'shell' | 'text';

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

function quote(text: string, language: CodeLanguage): string {
  if (language === 'json') return JSON.stringify(text);
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

/**
 * Writes a JSON value as source, on one line where it fits into `width` columns.
 *
 * @example toSource({ name: 'ada' }, 'js') // { name: 'ada' }
 */
export function toSource(value: unknown, language: 'js' | 'json', width = 72, indent = ''): string {
  if (typeof value === 'string') return quote(value, language);
  if (typeof value !== 'object' || value === null) return String(value);
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const write = (at: string) =>
    isList
      ? value.map((item) => toSource(item, language, width, at))
      : Object.entries(value).map(([key, item]) => {
          const name = language === 'js' && IDENTIFIER.test(key) ? key : quote(key, language);
          return `${name}: ${toSource(item, language, width, at)}`;
        });
  const parts = write(inner);
  const [open, close, pad] = isList ? ['[', ']', ''] : ['{', '}', ' '];
  if (parts.length === 0) return open + close;
  const line = `${open}${pad}${parts.join(', ')}${pad}${close}`;
  if (!line.includes('\n') && indent.length + line.length <= width) return line;
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`;
}

const KEYWORDS = 'import|from|const|let|if|else|for|of|throw|new|return|async|await|function|true|false|null';

/** What is coloured, in order of precedence; the name of the group is the CSS class. */
const TOKENS: Readonly<Record<CodeLanguage, RegExp>> = {
  js: new RegExp(
    [
      '(?<tc>//[^\\n]*)',
      '(?<ts>`(?:\\\\.|[^`\\\\])*`|\'(?:\\\\.|[^\'\\\\\\n])*\'|"(?:\\\\.|[^"\\\\\\n])*")',
      `(?<tk>\\b(?:${KEYWORDS})\\b)`,
      '(?<tp>\\b[A-Za-z_]\\w*(?=\\s*:))',
      '(?<tf>\\b[A-Za-z_]\\w*(?=\\())',
      '(?<tn>\\b\\d[\\d_.]*\\b)',
    ].join('|'),
    'g',
  ),
  json: /(?<tp>"(?:\\.|[^"\\])*"(?=\s*:))|(?<ts>"(?:\\.|[^"\\])*")|(?<tk>\b(?:true|false|null)\b)|(?<tn>-?\b\d[\d.]*\b)/g,
  shell: /(?<tc>#[^\n]*)|(?<tk>^(?:npm|node|curl|mkdir|cd)\b)/gm,
  text: /(?!)/g,
};

/** Colours source code: the parts that matter become `<span class="t…">`, everything is escaped. */
export function highlight(source: string, language: CodeLanguage): Html {
  const parts: HtmlValue[] = [];
  let end = 0;
  for (const match of source.matchAll(TOKENS[language])) {
    const name = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)?.[0];
    parts.push(source.slice(end, match.index), html`<span class="${name}">${match[0]}</span>`);
    end = match.index + match[0].length;
  }
  parts.push(source.slice(end));
  return html`${parts}`;
}

/** A code block that scrolls inside itself, by keyboard too. `label` tells what it holds to who cannot see it. */
export function codeBlock(source: string, language: CodeLanguage, label: string): Html {
  return html`<pre class="code" tabindex="0" role="region" aria-label="${label}"><code>${highlight(source, language)}</code></pre>`;
}
