import { type CodeLanguage, codeBlock } from './highlight.ts';
import { type Html, type HtmlValue, html } from './html.ts';
import { prose } from './prose.ts';

const LANGUAGES: Readonly<Record<string, CodeLanguage>> = { js: 'js', json: 'json', sh: 'shell' };

/** What stands below a heading of the second level, up to the next one; the whole text has one place for each. */
export function sectionOf(text: string, heading: string): string {
  const [, section] = text.split(`\n## ${heading}\n`);
  if (section === undefined) throw new Error(`there is no section ${heading}`);
  return section.split('\n## ')[0] ?? '';
}

/** The part of a text that is in sections: what stands before the first heading of the second level is left out. */
export const sectionsOf = (text: string): string => text.slice(text.indexOf('\n## '));

/** The id of a heading, as GitHub makes it, so that one link leads there and on our pages. */
export function headingId(heading: string): string {
  const words = heading.toLowerCase().replace(/[^\p{L}\p{N} -]/gu, '');
  return words.replaceAll(' ', '-');
}

/** The headings of a text below the first level, in order. */
export const headingsOf = (text: string): string[] =>
  [...text.matchAll(/^#{2,} (.*)$/gm)].map(([, name]) => name ?? '');

function list(block: string): Html {
  const items = block
    .split(/\n(?=- |\d+\. )/)
    .map((item) => html`<li>${prose(item.replace(/^(?:-|\d+\.) /, ''))}</li>`);
  return block.startsWith('-') ? html`<ul>${items}</ul>` : html`<ol>${items}</ol>`;
}

/** What a text is made of: code between fences, and else what empty lines part. */
const BLOCKS = /^```(?<language>\w+)\n(?<code>[\s\S]*?)^```$|^(?<block>(?:(?!```)[^\n]+(?:\n|$))+)/gm;

/**
 * Our own Markdown as HTML: headings (all of the third level), paragraphs, lists without lists in them, code between
 * fences, and in a line what {@link prose} knows. `label` names a code block that no heading stands before.
 */
export function markdown(text: string, label: string): Html {
  let heading = label;
  const parts: HtmlValue[] = [];
  for (const { groups: { language, code, block = '' } = {} } of text.matchAll(BLOCKS)) {
    if (code !== undefined) parts.push(codeBlock(code.trimEnd(), LANGUAGES[language ?? ''] ?? 'text', heading));
    else if (/^#+ /.test(block)) {
      heading = block.replace(/^#+ /, '').trimEnd();
      const id = headingId(heading);
      parts.push(html`<h3 id="${id}"><a class="anchor" href="#${id}">${prose(heading)}</a></h3>`);
    } else if (/^(?:-|\d+\.) /.test(block)) parts.push(list(block.trimEnd()));
    else parts.push(html`<p>${prose(block.trimEnd())}</p>`);
  }
  return html`${parts}`;
}
