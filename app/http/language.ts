import { LOCALES, type Locale } from '../../protocol/index.ts';

/** The cookie that remembers which language a visitor chose. */
export const LANGUAGE_COOKIE = 'sohbet_lang';

const isLocale = (value: unknown): value is Locale => LOCALES.some((locale) => locale === value);

/**
 * The supported language that an `Accept-Language` header prefers (RFC 9110, section 12.5.4); English when it names
 * none of them.
 */
export function acceptedLanguage(header: string | undefined): Locale {
  let best: Locale = 'en';
  let bestQuality = 0;
  for (const part of (header ?? '').split(',')) {
    const [range = '', ...parameters] = part.trim().toLowerCase().split(';');
    const locale = range.trim().split('-')[0];
    const quality = parameters.map((parameter) => /^\s*q\s*=\s*([\d.]+)\s*$/.exec(parameter)?.[1]).find(Boolean);
    const weight = quality === undefined ? 1 : Number(quality);
    if (isLocale(locale) && weight > bestQuality) {
      best = locale;
      bestQuality = weight;
    }
  }
  return best;
}

/** The language that the cookie remembers, if it does. */
export function rememberedLanguage(cookies: string | undefined): Locale | undefined {
  const value = new RegExp(`(?:^|;)\\s*${LANGUAGE_COOKIE}=([^;\\s]*)`).exec(cookies ?? '')?.[1];
  return isLocale(value) ? value : undefined;
}

/** The language of one answer: what the address asks for, else what the visitor once chose, else what the browser prefers. */
export function chooseLanguage(
  asked: Locale | undefined,
  headers: { readonly cookie?: string | undefined; readonly 'accept-language'?: string | undefined },
): Locale {
  return asked ?? rememberedLanguage(headers.cookie) ?? acceptedLanguage(headers['accept-language']);
}

/**
 * The `Set-Cookie` value that remembers a language for a year. Without a path it is for where the pages are, which a proxy
 * may show below one.
 */
export function languageCookie(locale: Locale): string {
  return `${LANGUAGE_COOKIE}=${locale}; Max-Age=31536000; SameSite=Lax; HttpOnly`;
}
