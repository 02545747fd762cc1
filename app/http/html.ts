/**
 * HTML that was built by {@link html}, and is therefore safe to insert as it is. Only that function makes it, so text
 * cannot reach a page unescaped.
 */
export class Html {
  readonly #text: string;

  constructor(strings: readonly string[], values: readonly HtmlValue[]) {
    let text = strings[0] ?? '';
    values.forEach((value, i) => {
      text += render(value) + (strings[i + 1] ?? '');
    });
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** What may stand in a template: markup as it is, text and numbers escaped, nothing for null, undefined and false. */
export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Makes text safe between tags and within quoted attributes. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

function render(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number') return String(value);
  return value.map(render).join('');
}

/**
 * A template that escapes every value. Attribute values must stand in quotes.
 *
 * @example html`<a href="${url}">${name}</a>`
 */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(strings, values);
}

/** Puts a separator between values, as `Array.join` does for text. */
export function joined(values: readonly HtmlValue[], separator: HtmlValue): HtmlValue {
  return values.map((value, i) => (i === 0 ? value : [separator, value]));
}
