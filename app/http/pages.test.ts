import { describe, expect, it } from 'vitest';
import {
  COMMAND_NAMES,
  COMMANDS,
  ERROR_CODES,
  ERRORS,
  EVENT_NAMES,
  EVENTS,
  LIMIT_TABLE,
  LOCALES,
  type Locale,
  RATE_NUMBERS,
} from '../../protocol/index.ts';
import { startTestServer } from '../../tests/support/http-server.ts';
import { FIRST_CHAT_FILE, firstChat } from './examples.ts';
import { sectionOf, sectionsOf } from './markdown.ts';
import { readText, TEXTS } from './texts.ts';

const PAGES = LOCALES.flatMap((locale) => (['/', '/docs'] as const).map((path) => [path, locale] as const));

const loaded = new Map<string, Promise<string>>();

/** The markup of a page, asked for once. */
function load(path: string, locale: Locale): Promise<string> {
  const url = `${path}?lang=${locale}`;
  const ask = async () => {
    await using server = await startTestServer();
    return (await server.app.inject({ url, headers: { host: 'chat.example' } })).body;
  };
  const body = loaded.get(url) ?? ask();
  loaded.set(url, body);
  return body;
}

/** What a reader sees: the text without the markup. */
const visible = (markup: string) =>
  markup
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<[^>]+>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

const ids = (markup: string) => [...markup.matchAll(/ id="([^"]+)"/g)].map((match) => match[1] ?? '');
const links = (markup: string) => [...markup.matchAll(/ (?:href|src)="([^"]+)"/g)].map((match) => match[1] ?? '');

describe.each(PAGES)('%s in %s', (path, locale) => {
  it('needs no script, and nothing from elsewhere', async () => {
    const body = await load(path, locale);
    expect(body).not.toMatch(/<(?:script|iframe|object|embed|link [^>]*https?:)/i);
    expect(body).not.toMatch(/<[^>]+\s(?:on\w+|style)=/i);
    expect(body).not.toContain('<style');
    for (const link of links(body)) expect(link).toMatch(/^(?:\.\/(?!\/)|#|\?lang=)/);
  });

  it('has its language, one main heading, and a switch that works without a script', async () => {
    const body = await load(path, locale);
    expect(body.startsWith(`<!doctype html>\n<html lang="${locale}">`)).toBe(true);
    expect(body.match(/<h1[ >]/g)).toHaveLength(1);
    expect(body.match(/<main id="main"/g)).toHaveLength(1);
    for (const other of LOCALES) expect(body).toContain(`<a href="?lang=${other}" hreflang="${other}" lang="${other}"`);
    expect(body).toContain(
      `hreflang="${locale}" lang="${locale}" title="${locale === 'en' ? 'English' : 'Türkçe'}" aria-current="true"`,
    );
  });

  it('has no id twice, and no link to a part that is not there', async () => {
    const body = await load(path, locale);
    const known = ids(body);
    expect(known.filter((id, i) => known.indexOf(id) !== i)).toEqual([]);
    const parts = links(body)
      .filter((link) => link.startsWith('#'))
      .map((link) => link.slice(1));
    expect(parts.filter((part) => !known.includes(part))).toEqual([]);
    const docs = path === '/docs' ? known : ids(await load('/docs', locale));
    const elsewhere = links(body).filter((link) => link.startsWith('./docs#'));
    expect(elsewhere.filter((link) => !docs.includes(link.slice('./docs#'.length)))).toEqual([]);
  });

  it('shows no fault of its making', async () => {
    const text = visible(await load(path, locale));
    expect(text).not.toMatch(/\bundefined\b|\[object |\bNaN\b|&(?:amp|lt|gt|quot|#39);/);
  });

  it('names every command and event, in its language', async () => {
    const text = visible(await load(path, locale));
    for (const name of COMMAND_NAMES) expect(text).toContain(COMMANDS[name].summary[locale]);
    for (const name of EVENT_NAMES) expect(text).toContain(EVENTS[name].summary[locale]);
  });

  it('shows the call and the answer of every command', async () => {
    const text = visible(await load(path, locale));
    for (const name of COMMAND_NAMES) expect(text).toContain(`await socket.emitWithAck('${name}', {`);
    expect(text.match(/"ok": true/g)?.length).toBeGreaterThanOrEqual(COMMAND_NAMES.length);
  });
});

describe.each(LOCALES)('the home page in %s', (locale) => {
  it('holds the whole first chat, ready for this server', async () => {
    const text = visible(await load('/', locale));
    expect(text).toContain(firstChat('http://chat.example'));
    expect(text).toContain(FIRST_CHAT_FILE);
  });

  it('leads to all that there is', async () => {
    const all = links(await load('/', locale));
    for (const link of ['./docs', './docs#http', './openapi.json', './asyncapi.json', './health'])
      expect(all).toContain(link);
    for (const name of COMMAND_NAMES) expect(all).toContain(`./docs#command-${name}`);
  });
});

describe.each(LOCALES)('the documentation in %s', (locale) => {
  it('has a part for each command, event, model and error code', async () => {
    const known = ids(await load('/docs', locale));
    for (const name of COMMAND_NAMES) expect(known).toContain(`command-${name}`);
    for (const name of EVENT_NAMES) expect(known).toContain(`event-${name}`);
    for (const code of ERROR_CODES) expect(known).toContain(`error-${code}`);
    for (const name of ['User', 'Room', 'Message', 'System', 'Error', 'Refused', 'HandshakeAuth']) {
      expect(known).toContain(`model-${name}`);
    }
  });

  it('tells the rules of each command, of each code and of each limit', async () => {
    const text = visible(await load('/docs', locale)).replaceAll('`', '');
    for (const name of COMMAND_NAMES) expect(text).toContain(COMMANDS[name].description.replaceAll('`', ''));
    for (const name of EVENT_NAMES) expect(text).toContain(EVENTS[name].to.replaceAll('`', ''));
    for (const code of ERROR_CODES) expect(text).toContain(ERRORS[code].description.replaceAll('`', ''));
    for (const [name, { value, what }] of Object.entries(LIMIT_TABLE)) {
      expect(text).toContain(`${name}${value.toLocaleString(locale)} ${what[locale].replaceAll('`', '')}`);
    }
    for (const name of Object.keys(RATE_NUMBERS)) expect(text).toContain(name);
  });

  /** The lines of a document as they are read, code blocks left out. */
  const linesOf = (document: string) =>
    document
      .replace(/^```.*?^```$/gms, '')
      .replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')
      .replace(/^(?:#+|-|\d+\.) |\*\*|`/gm, '')
      .split('\n')
      .filter((line) => line !== '');

  it('shows the whole of the client’s rules in its language, and what the protocol’s document says around them', async () => {
    const text = visible(await load('/docs', locale)).replaceAll('`', '');
    const rules = sectionsOf(readText(TEXTS.rules[locale]));
    const protocol = readText(TEXTS.protocol);
    const around = ['Conventions', 'Signing in', 'A room is a log', 'Rules', 'Compatibility'].map((name) =>
      sectionOf(protocol, name),
    );
    for (const document of [rules, ...around]) for (const line of linesOf(document)) expect(text).toContain(line);
    expect(text).not.toMatch(/\*\*|\]\(|^\|/m);
  });

  it('tells of the HTTP endpoints', async () => {
    const text = visible(await load('/docs', locale));
    for (const path of ['/', '/docs', '/health', '/health/live', '/metrics', '/openapi.json', '/asyncapi.json']) {
      expect(text).toContain(`GET ${path} `);
    }
    const summaries = { en: ['How the server fares.', 'Home page.'], tr: ['Sunucunun durumu.', 'Ana sayfa.'] };
    for (const summary of summaries[locale]) expect(text).toContain(summary);
    // The query of a page, two statuses with one answer, a field in a field, and what a refusal holds.
    for (const part of ["'en' | 'tr'", 'Up, or degraded.', 'Down; culprit says why.', 'services.store', 'error.code']) {
      expect(text.replaceAll('`', '')).toContain(part);
    }
    expect(text.split('services.store')).toHaveLength(2);
  });
});
