import {
  burstName,
  CAPS,
  COMMAND_NAMES,
  COMMANDS,
  COMMON_ERRORS,
  type CommandName,
  countName,
  ERROR_CODES,
  ERRORS,
  EVENT_NAMES,
  EVENTS,
  type EventName,
  LIMIT_TABLE,
  type Locale,
  RATE_NAMES,
  RATES,
  type Wording,
} from '../../protocol/index.ts';
import { clientRules, compatibility, conventions, roomLog, rules, type Section, signingIn } from './docs-guide.ts';
import { DOCS_WORDS, type DocsWords } from './docs-words.ts';
import { answerExample, callExample, eventExample } from './examples.ts';
import { codeBlock } from './highlight.ts';
import { type Html, type HtmlValue, html, joined } from './html.ts';
import { httpEndpoints, httpParts } from './http-docs.ts';
import type { Endpoint } from './openapi.ts';
import { page } from './page.ts';
import { codeName, prose } from './prose.ts';
import { fieldList } from './schema-fields.ts';
import { addCommonSchemas, SchemaSet } from './schemas.ts';

/** What the documentation page is made of, beside the protocol. */
export interface DocsContent {
  readonly locale: Locale;
  readonly version: string;
  /** The HTTP endpoints, from the OpenAPI document. */
  readonly endpoints: readonly Endpoint[];
}

interface Context {
  readonly locale: Locale;
  readonly words: DocsWords;
  readonly schemas: SchemaSet;
}

const eventLink = (name: EventName) => html`<a class="ref" href="#event-${name}"><code>${name}</code></a>`;
const codeList = (codes: readonly string[]) => joined(codes.map(codeName), ', ');
const heading = (id: string, name: string, note?: HtmlValue) =>
  html`<h3 id="${id}"><a class="anchor" href="#${id}"><code>${name}</code></a>${note}</h3>`;

function command(name: CommandName, { locale, words, schemas }: Context): Html {
  const { summary, description, payload, result, needs, errors, causes } = COMMANDS[name];
  const who = html` <span class="tag">${words.needs[needs]}</span>`;
  return html`<article>${heading(`command-${name}`, name, who)}
<p class="summary">${summary[locale]}</p><p lang="en">${prose(description)}</p>
<h4>${words.payload}</h4>${fieldList(schemas.add(payload), words, 'client')}
<h4>${words.result}</h4>${fieldList(schemas.add(result), words, 'server')}
${errors.length > 0 && html`<h4>${words.errors}</h4><p>${codeList(errors)}</p>`}
${causes.length > 0 && html`<h4>${words.causes}</h4><p>${joined(causes.map(eventLink), ', ')}</p>`}
<details><summary>${words.example}</summary>${codeBlock(callExample(name), 'js', name)}${codeBlock(answerExample(name), 'json', `${words.answer}: ${name}`)}</details>
</article>`;
}

function event(name: EventName, { locale, words, schemas }: Context): Html {
  const { summary, to, payload } = EVENTS[name];
  return html`<article>${heading(`event-${name}`, name)}
<p class="summary">${summary[locale]}</p><p><b>${words.to}</b> <span lang="en">${prose(to)}</span></p>
<h4>${words.payload}</h4>${fieldList(schemas.add(payload), words, 'server')}
<details><summary>${words.example}</summary>${codeBlock(eventExample(name), 'json', name)}</details>
</article>`;
}

function models({ words, schemas }: Context): Section {
  const shown = Object.entries(schemas.components).filter(([name]) => name !== 'HandshakeAuth');
  return {
    id: 'models',
    title: words.models,
    parts: shown.map(([name]) => [`model-${name}`, html`<code>${name}</code>`]),
    body: shown.map(
      ([name, schema]) => html`<article>${heading(`model-${name}`, name)}
<p lang="en">${prose(schema.description ?? '')}</p>${fieldList(schema, words, 'server')}</article>`,
    ),
  };
}

function errorList(words: DocsWords): Html {
  const rows = ERROR_CODES.map((code) => {
    const { description, retryable } = ERRORS[code];
    return html`<div id="error-${code}"><dt><code>${code}</code>${retryable && html` <span class="again">${words.again}</span>`}</dt><dd lang="en"><p>${prose(description)}</p></dd></div>`;
  });
  return html`<p>${words.errorsIntro}</p><dl class="fields">${rows}</dl>`;
}

function limitList({ locale, words }: Context): Html {
  const rows = Object.entries(LIMIT_TABLE).map(
    ([name, { value, what }]) =>
      html`<div><dt><code>${name}</code></dt><dd><p><b>${value.toLocaleString(locale)}</b> ${prose(what[locale])}</p></dd></div>`,
  );
  return html`<p>${words.limitsIntro}</p><dl class="fields">${rows}</dl>`;
}

/** How often things may be done, and what may exist at once: by default, since whoever runs a server may change it. */
function rateList({ locale, words }: Context): Html {
  const row = (name: string, value: number, what: Wording) =>
    html`<div><dt><code>${name}</code></dt><dd><p><b>${value.toLocaleString(locale)}</b> ${what[locale]}</p></dd></div>`;
  const rates = RATE_NAMES.flatMap((name) => {
    const { count, burst, what } = RATES[name];
    return [row(countName(name), count, what), row(burstName(name), burst, what)];
  });
  const caps = Object.entries(CAPS).map(([name, { value, what }]) => row(name, value, what));
  return html`<p>${words.ratesIntro}</p><dl class="fields">${rates}${caps}</dl>`;
}

function sections({ locale, endpoints }: DocsContent, words: DocsWords): Section[] {
  const context = { locale, words, schemas: new SchemaSet() };
  addCommonSchemas(context.schemas);
  const { HandshakeAuth = {} } = context.schemas.components;
  const commands = COMMAND_NAMES.map((name) => command(name, context));
  const events = EVENT_NAMES.map((name) => event(name, context));
  return [
    conventions(words),
    signingIn(HandshakeAuth, words),
    roomLog(words),
    clientRules(locale),
    {
      id: 'commands',
      title: words.commands,
      parts: COMMAND_NAMES.map((name) => [`command-${name}`, html`<code>${name}</code>`]),
      body: html`<p>${words.common} ${codeList(COMMON_ERRORS)}.</p>${commands}`,
    },
    {
      id: 'events',
      title: words.events,
      parts: EVENT_NAMES.map((name) => [`event-${name}`, html`<code>${name}</code>`]),
      body: events,
    },
    models(context),
    rules(words),
    { id: 'error-codes', title: words.errors, body: errorList(words) },
    { id: 'limits', title: words.limits, body: limitList(context) },
    { id: 'rates', title: words.rates, body: rateList(context) },
    compatibility(words),
    { id: 'http', title: words.http, parts: httpParts(endpoints), body: httpEndpoints(endpoints, locale, words) },
  ];
}

function contents(all: readonly Section[]): Html {
  const part = ([id, name]: readonly [string, HtmlValue]) => html`<li><a href="#${id}">${name}</a></li>`;
  return html`<ul>${all.map(
    ({ id, title, parts }) =>
      html`<li><a href="#${id}">${title}</a>${parts !== undefined && html`<ul>${parts.map(part)}</ul>`}</li>`,
  )}</ul>`;
}

/** The documentation page: everything that the server understands and says, made from the protocol. */
export function docsPage(content: DocsContent): Html {
  const { locale, version } = content;
  const words = DOCS_WORDS[locale];
  const all = sections(content, words);
  const list = contents(all);
  const body = html`<div class="docs wrap">
<nav class="side" aria-label="${words.contents}">${list}</nav>
<main id="main"><h1>${words.heading}</h1><p class="lead">${words.intro}${words.english !== undefined && html` ${words.english}`}</p>
<details class="contents"><summary>${words.contents}</summary><nav aria-label="${words.contents}">${list}</nav></details>
${all.map((section) => html`<section id="${section.id}"><h2><a class="anchor" href="#${section.id}">${section.title}</a></h2>${section.body}</section>`)}
</main></div>`;
  return page({
    locale,
    version,
    title: words.title,
    description: words.description,
    path: 'docs',
    style: 'docs.css',
    body,
  });
}
