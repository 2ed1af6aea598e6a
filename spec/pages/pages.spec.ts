/**
 * What README, the guide and the examples' page show is what happens: every command, every program.
 */
import { mkdtempSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inProcess } from '../cli/inProcess.ts';
import { fromCheckout, runPrograms, type Program, type ProgramOutcome } from '../programs.ts';
import { root } from '../sources.ts';
import { fencesOf, linesOf, Page, slug, wordsOf } from './page.ts';
import { pageFolder, standIn } from './standIns.ts';

const below = (folder: string): string[] =>
  readdirSync(join(root, folder)).flatMap((name) => (name.endsWith('.md') ? [`${folder}/${name}`] : []));
const shown = ['README.md', ...below('docs/guide'), ...below('docs/examples')].map((path) => new Page(path));
const all = [...shown, ...['CONTRIBUTING.md', ...below('docs/internals')].map((path) => new Page(path))];

const parent = mkdtempSync(join(tmpdir(), 'blockpruner-pages-'));
afterAll(() => rmSync(parent, { recursive: true }));

/** Modules that a page says to write, by the comment in their first line: `// mine.ts: …`. */
const moduleOf = (code: string): string | null => /^\/\/ (\w+\.ts)\b/.exec(code)?.[1] ?? null;

/** Commands that show progress. */
const quiet = new Set(['prune', 'perplexity', 'repair', 'heal', 'train', 'generate']);

/**
 * A healing of two steps shows as much as one of two hundred, and a text of 1,024 tokens as a long
 * one.
 */
function shortened(words: readonly string[]): string[] {
  const short = [...words];
  const limit = (option: string, most: number, missing: boolean): void => {
    const at = short.indexOf(option) + 1;
    if (at > 0) short[at] = String(Math.min(most, Number(short[at])));
    else if (missing) short.push(option, String(most));
  };
  // Without progress nothing is timed beforehand.
  if (quiet.has(words[0]) && !words.includes('--plan')) short.push('--quiet');
  limit('--steps', 2, words[0] === 'heal');
  limit('--tokens', 1024, ['prune', 'perplexity'].includes(words[0]) && words[1].startsWith('tiny:'));
  return short;
}

describe.each(shown.filter((page) => page.commands().length > 0).map((page) => [page.path, page] as const))(
  '%s',
  (path, page) => {
    const folder = join(parent, path.replaceAll('/', '-'));
    beforeAll(() => {
      pageFolder(folder);
      for (const { code } of page.fenced('ts')) {
        const name = moduleOf(code);
        if (name !== null) writeFileSync(join(folder, name), fromCheckout(code));
      }
    });

    it.each(page.commands().map(({ line, words }) => [line, words] as const))('runs: %s', async (line, words) => {
      expect(words, `\`${line}\` is no command of blockpruner: put <!-- not run: REASON --> before it`).not.toEqual([]);
      await standIn(words, folder);
      const { code, stdout, stderr } = await inProcess(shortened(words), { cwd: folder });
      expect(code, stderr).toBe(0);
      expect(stdout).not.toBe('');
    });
  },
);

describe('commands that no spec runs', () => {
  const left = shown.flatMap((page) =>
    page
      .fenced('sh')
      .flatMap(({ code, notRun }) =>
        notRun === null ? [] : linesOf(code).map((line) => ({ where: page.path, line, notRun })),
      ),
  );

  it(`are ${left.length} of ${left.length + shown.flatMap((page) => page.commands()).length}, each with its reason`, () => {
    expect(left.filter(({ notRun }) => notRun.length < 10)).toEqual([]);
    expect(left.length).toBeLessThan(30);
  });
});

describe('programs', () => {
  const programs = shown.flatMap((page) =>
    page
      .fenced('ts')
      .filter(({ code }) => code.includes("'blockpruner'") && moduleOf(code) === null)
      .map(({ code }, index): Program & { page: string } => ({
        page: page.path,
        name: `${page.path.replaceAll(/\W/g, '-')}-${index}.mts`,
        code,
      })),
  );
  const outcomes = new Map<string, ProgramOutcome>();
  beforeAll(async () => {
    const folder = join(parent, 'programs');
    mkdirSync(folder);
    const results = await runPrograms(programs, folder);
    for (const [index, { name }] of programs.entries()) outcomes.set(name, results[index]);
  });
  const of = (page: string, index = 0): ProgramOutcome | undefined =>
    outcomes.get(`${page.replaceAll(/\W/g, '-')}-${index}.mts`);

  it.each(programs.map(({ name }) => name))('%s prints something', (name) => {
    expect(outcomes.get(name)?.stdout.trim()).not.toBe('');
  });

  it('README: a perplexity, how it was taken, and a text, in fewer than ten lines', () => {
    const code = programs.find(({ page }) => page === 'README.md')?.code ?? '';
    expect(code.trim().split('\n').length).toBeLessThan(10);
    const stdout = of('README.md')?.stdout ?? '';
    const [, ppl] = /ppl: ([\d.]+) \(convention paper: chunks of 16 tokens.*; simd \(/.exec(stdout) ?? [];
    expect(Number(ppl)).toBeGreaterThan(1);
    expect(stdout.split('\n').slice(1).join('\n').trim()).not.toBe('');
  });

  it('the library: a search with its report, which removes what npm start removes first', () => {
    const table = new Page('README.md').fenced('').find(({ code }) => code.startsWith('step  removed'))?.code ?? '';
    const removed = [...table.matchAll(/^ +(\d) +(L\d\.m\w+)/gm)].map(([, step, name]) => `${step} ${name}`);
    const { stdout, written } = of('docs/guide/library.md', 1) ?? { stdout: '', written: [] };
    expect(stdout.trim().split('\n')).toEqual(removed.slice(0, 4));
    expect(written).toEqual(['report.html', 'shakespeare.jsonl']);
  });

  it('data: random windows of several files', () => {
    expect(of('docs/guide/data.md')?.stdout).toMatch(
      /4 windows of 16 tokens drawn at random \(seed 1\) from \d+ tokens, .*line ends read as LF/,
    );
  });

  it('repair: the pruned model, mended', () => {
    const stdout = of('docs/guide/repair.md')?.stdout ?? '';
    const [, pruned, repaired, tensors] =
      /pruned ([\d.]+), repaired ([\d.]+), (\d+) tensors changed/.exec(stdout) ?? [];
    expect(Number(repaired)).toBeLessThan(Number(pruned));
    expect(Number(tensors)).toBeGreaterThan(0);
  });

  it('errors: the class, where, and what to do', () => {
    expect(of('docs/guide/troubleshooting.md')?.stdout).toMatch(
      /^NotFoundError at no-such-model\.gguf: do this: Check the path\. Give /,
    );
  });
});

describe('links', () => {
  it.each(all.map((page) => [page.path, page] as const))(
    'of %s lead to files and headings that are there',
    (_, page) => {
      expect(page.deadLinks()).toEqual([]);
    },
  );

  it('of the contents name every page of the guide', () => {
    const contents = new Page('docs/guide/README.md').text;
    for (const path of below('docs/guide').filter((name) => !name.endsWith('README.md')))
      expect(contents).toContain(`](${path.split('/').at(-1)})`);
  });
});

describe('pages are read', () => {
  it('with their fences, languages and marks', () => {
    const text = 'a\n<!-- not run: no hub here -->\n\n```sh\nx\n```\n```ts\ny\n```\n```\nz\n```\n';
    expect(fencesOf(text)).toEqual([
      { language: 'sh', code: 'x\n', notRun: 'no hub here' },
      { language: 'ts', code: 'y\n', notRun: null },
      { language: '', code: 'z\n', notRun: null },
    ]);
  });

  it.each([
    ['npm run -s cli -- inspect m', ['inspect', 'm']],
    ["npx blockpruner prune m --join ' x y'", ['prune', 'm', '--join', ' x y']],
    ['blockpruner doctor', ['doctor']],
    ['npm ci', []],
    ['echo blockpruner doctor', []],
  ])('with the words of %s', (line, words) => {
    expect(wordsOf(line)).toEqual(words);
  });

  it('with their lines and headings', () => {
    expect(linesOf('# why\na \\\n  b\n\nc\n')).toEqual(['a b', 'c']);
    expect(slug('A `method` of [your](x.md) own: 2')).toBe('a-method-of-your-own-2');
  });
});
