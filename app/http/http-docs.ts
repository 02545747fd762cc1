import type { Locale } from '../../protocol/index.ts';
import type { DocsWords } from './docs-words.ts';
import { type Html, type HtmlValue, html, joined } from './html.ts';
import type { Answer, Endpoint, Parameter } from './openapi.ts';
import { prose } from './prose.ts';
import { fieldList, fieldRow } from './schema-fields.ts';
import type { JsonSchema } from './schemas.ts';

/** What the statuses of an endpoint answer alike. */
interface Alike {
  readonly statuses: (readonly [status: string, description: string])[];
  readonly type: string | undefined;
  readonly schema: JsonSchema;
}

/** The answers, those that hold the same together. */
function grouped(responses: Readonly<Record<string, Answer>>): Alike[] {
  const groups = new Map<string, Alike>();
  for (const [status, { description: told, content = {} }] of Object.entries(responses)) {
    const [type, shape] = Object.entries(content)[0] ?? [];
    const { description: _, ...schema } = shape?.schema ?? {};
    const key = JSON.stringify([type, schema]);
    const group: Alike = groups.get(key) ?? { statuses: [], type, schema };
    group.statuses.push([status, told]);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function answer({ statuses, type, schema }: Alike, words: DocsWords): Html {
  const told = statuses.map(([status, text]) => html`<b>${status}</b> <span lang="en">${prose(text)}</span>`);
  const fields = schema.properties !== undefined && fieldList(schema, words, 'server');
  return html`<p>${joined(told, html`<br>`)}</p>${type !== undefined && html`<p class="type"><code>${type}</code></p>`}${fields}`;
}

function parameters(list: readonly Parameter[], words: DocsWords): HtmlValue {
  if (list.length === 0) return false;
  const rows = list.map(({ name, required, description = '', schema }) =>
    fieldRow({ path: name, schema: { ...schema, description }, required }, { words, writer: 'client' }),
  );
  return html`<h4>${words.query}</h4><dl class="fields">${rows}</dl>`;
}

/** The id of the part that tells of an endpoint: `http-get-health-live`. */
const idOf = ({ method, path }: Endpoint): string =>
  `http-${`${method}${path}`
    .toLowerCase()
    .replace(/[^a-z]+/g, '-')
    .replace(/-$/, '')}`;

/** The ids and names of the parts of {@link httpEndpoints}. */
export const httpParts = (endpoints: readonly Endpoint[]) =>
  endpoints.map((endpoint) => [idOf(endpoint), html`<code>${endpoint.path}</code>`] as const);

/** What the HTTP endpoints take and answer. */
export function httpEndpoints(endpoints: readonly Endpoint[], locale: Locale, words: DocsWords): Html {
  const articles = endpoints.map((endpoint) => {
    const { method, path, summary, description, responses } = endpoint;
    const id = idOf(endpoint);
    return html`<article><h3 id="${id}"><a class="anchor" href="#${id}"><code>${method} ${path}</code></a> <a class="tag" href=".${path}">${words.open}<span class="hidden">: ${path}</span></a></h3>
<p class="summary">${summary[locale]}.</p><p lang="en">${prose(description)}</p>
${parameters(endpoint.parameters, words)}<h4>${words.answers}</h4>${grouped(responses).map((group) => answer(group, words))}
</article>`;
  });
  return html`<p>${words.documents}: <a href="./openapi.json">/openapi.json</a>.</p>${articles}`;
}
