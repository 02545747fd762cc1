import { LOCALES, type Locale, type Wording } from '../../protocol/index.ts';
import { type AssetName, assetUrl } from './assets.ts';
import { type Html, type HtmlValue, html } from './html.ts';

/** One page: its words and its content. */
export interface Page {
  readonly locale: Locale;
  readonly title: string;
  readonly description?: string;
  /** What comes between the header and the footer; holds the one `<main id="main">`. */
  readonly body: Html;
  /** The page below the root of the server, when its language can be switched: empty for the home page. */
  readonly path?: '' | 'docs';
  /**
   * The way from the page to the root of the server, with a slash at its end; `./` by default. All links are relative,
   * so that a proxy may show the server below any path.
   */
  readonly root?: string;
  /** The style sheet that this page needs beside the common one. */
  readonly style?: AssetName;
  /** The version of the server, for the footer. */
  readonly version?: string;
}

const WORDS = {
  skip: { en: 'Skip to content', tr: 'İçeriğe geç' },
  navigation: { en: 'Pages', tr: 'Sayfalar' },
  docs: { en: 'Documentation', tr: 'Belgeler' },
  http: { en: 'HTTP API', tr: 'HTTP API' },
  health: { en: 'Health', tr: 'Durum' },
  language: { en: 'Language', tr: 'Dil' },
  footer: {
    en: 'A self-hosted chat backend over Socket.IO.',
    tr: 'Kendi sunucunuzda, Socket.IO üzerinden sohbet altyapısı.',
  },
} as const satisfies Record<string, Wording>;

const LANGUAGE_NAMES: Readonly<Record<Locale, string>> = { en: 'English', tr: 'Türkçe' };

/** The mark of Sohbet: two speech balloons that share one line. */
const mark = html`<svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false"><path class="m1" d="M4 4h16a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H10l-5 4v-4H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z"/><path class="m2" d="M25 11h3a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-1v4l-5-4H12a2 2 0 0 1-2-2v-2h11a4 4 0 0 0 4-4z"/></svg>`;

function languageSwitch(locale: Locale): Html {
  const links = LOCALES.map(
    (other) =>
      html`<li><a href="?lang=${other}" hreflang="${other}" lang="${other}" title="${LANGUAGE_NAMES[other]}"${other === locale && html` aria-current="true"`}><span aria-hidden="true">${other.toUpperCase()}</span><span class="hidden">${LANGUAGE_NAMES[other]}</span></a></li>`,
  );
  return html`<nav class="languages" aria-label="${WORDS.language[locale]}"><ul>${links}</ul></nav>`;
}

function header({ locale, path, root = './' }: Page): Html {
  const link = (to: string, text: HtmlValue) =>
    html`<li><a href="${root}${to}"${to === path && html` aria-current="page"`}>${text}</a></li>`;
  return html`<header class="top"><div class="wrap">
<a class="name" href="${root}">${mark}<span>Sohbet</span></a>
<nav class="pages" aria-label="${WORDS.navigation[locale]}"><ul>${link('docs', WORDS.docs[locale])}${link('docs#http', WORDS.http[locale])}${link('health', WORDS.health[locale])}</ul></nav>
${path !== undefined && languageSwitch(locale)}
</div></header>`;
}

function footer({ locale, version, root = './' }: Page): Html {
  return html`<footer class="bottom"><div class="wrap"><p>${WORDS.footer[locale]}${version !== undefined && html` <span class="version">Sohbet ${version}</span>`}</p>
<p><a href="${root}openapi.json">OpenAPI</a> <a href="${root}asyncapi.json">AsyncAPI</a></p></div></footer>`;
}

/** Puts a page together: head, header, content, footer. It needs no script. */
export function page(content: Page): Html {
  const { locale, title, description, path, root = './' } = content;
  return html`<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
${description !== undefined && html`<meta name="description" content="${description}">`}
${path !== undefined && LOCALES.map((other) => html`<link rel="alternate" hreflang="${other}" href="?lang=${other}">`)}
<link rel="icon" href="${root}${assetUrl('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${root}${assetUrl('style.css')}">
${content.style !== undefined && html`<link rel="stylesheet" href="${root}${assetUrl(content.style)}">`}
</head>
<body>
<a class="skip" href="#main">${WORDS.skip[locale]}</a>
${header(content)}
${content.body}
${footer(content)}
</body>
</html>
`;
}
