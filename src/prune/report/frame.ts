import { element, embedded, verbatim, type Child } from '../../drawing/html.ts';
import { PAGE_SCRIPT, PAGE_SCRIPT_HASH } from './pageScript.generated.ts';
import { STYLE } from './style.ts';

/**
 * Makes the browser itself refuse whatever a report must not have: requests, forms, and any script
 * but its own.
 */
const POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  `script-src 'sha256-${PAGE_SCRIPT_HASH}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** What a page is made of. */
interface Page {
  readonly title: string;
  /** Rules beside those that all pages have. */
  readonly rules: string;
  readonly body: readonly Child[];
  /** What the page carries along, for its script to save. */
  readonly data: unknown;
}

/** A whole page as one file. */
export function pageOf({ title, rules, body, data }: Page): string {
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('meta', { name: 'color-scheme', content: 'light dark' }),
    element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    element('title', {}, title),
    element('style', {}, verbatim(`${STYLE}${rules}\n`)),
  );
  const all = element(
    'body',
    {},
    element('main', {}, body),
    embedded('result', data),
    element('script', {}, verbatim(PAGE_SCRIPT)),
  );
  return `<!doctype html>\n${element('html', { lang: 'en' }, head, all).markup}\n`;
}
