import { readdir } from 'node:fs/promises';
import { element } from '../../drawing/html.ts';

/** The page of a folder without a page of its own: links to what is in it, without dot files. */
export async function listing(path: string, name: string): Promise<string> {
  const entries = (await readdir(path, { withFileTypes: true }))
    .filter((entry) => !entry.name.startsWith('.'))
    .map((entry) => ({ name: entry.name, slash: entry.isDirectory() ? '/' : '' }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const links = entries.map((entry) => {
    // `./` keeps a name with a colon from being read as a scheme.
    const href = `./${encodeURIComponent(entry.name)}${entry.slash}`;
    return element('li', {}, element('a', { href }, `${entry.name}${entry.slash}`));
  });
  const head = element('head', {}, element('meta', { charset: 'utf-8' }), element('title', {}, name));
  const body = element('body', {}, element('h1', {}, name), element('ul', {}, links));
  return `<!doctype html>\n${element('html', { lang: 'en' }, head, body).markup}\n`;
}
