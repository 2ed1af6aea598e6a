/** What a page of Markdown holds: blocks of code, commands, headings, links. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { root } from '../sources.ts';

export interface Fence {
  readonly language: string;
  readonly code: string;
  /** Why a spec cannot run it: what `<!-- not run: … -->` before it says. */
  readonly notRun: string | null;
}

/** A command of a page, in its words, `npm run -s cli --` or `npx` taken off. */
export interface PageCommand {
  readonly line: string;
  /** The words after `blockpruner`. */
  readonly words: readonly string[];
}

export class Page {
  /** From the root: `docs/guide/faq.md`. */
  readonly path: string;
  readonly text: string;

  constructor(path: string) {
    this.path = path;
    this.text = readFileSync(join(root, path), 'utf8');
  }

  /** The fenced blocks of a language; those of `''` name none. */
  fenced(language: string): Fence[] {
    return fencesOf(this.text).filter((fence) => fence.language === language);
  }

  /** The commands that a spec can run. */
  commands(): PageCommand[] {
    return this.fenced('sh')
      .filter(({ notRun }) => notRun === null)
      .flatMap(({ code }) => linesOf(code))
      .map((line) => ({ line, words: wordsOf(line) }));
  }

  /** Links that lead to no file, or to no heading of it. */
  deadLinks(): string[] {
    const targets = [...withoutCode(this.text).matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g)].map(([, target]) => target);
    return targets.filter((target) => {
      const [path, anchor] = target.split('#');
      const file = path === '' ? this.path : normalize(join(dirname(this.path), path));
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && file.endsWith('.md') && !new Page(file).anchors().has(anchor);
    });
  }

  /** What its headings are called in an address. */
  anchors(): Set<string> {
    const headings = withoutCode(this.text).matchAll(/^#+ (.*)$/gm);
    return new Set([...headings].map(([, heading]) => slug(heading)));
  }
}

export function fencesOf(text: string): Fence[] {
  const fences = text.matchAll(/(?:^<!-- not run: ([^>]*) -->\n+)?^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...fences].map(([, notRun, language, code]) => ({ language, code, notRun: notRun ?? null }));
}

/** A line each, those that end in a backslash joined to the next, without comments. */
export function linesOf(code: string): string[] {
  return code
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** The words after `blockpruner`; none for a line that calls something else. */
export function wordsOf(line: string): string[] {
  const [, rest] = /^(?:npm run -s cli --|npx blockpruner|blockpruner) (.*)$/.exec(line) ?? [];
  const words = rest?.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) => word.replaceAll(/["']/g, ''));
}

/** As GitHub does: small letters, no punctuation, a hyphen for each space. */
export function slug(heading: string): string {
  return heading
    .replaceAll(/\]\([^)]*\)|[`[]/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '');
}
