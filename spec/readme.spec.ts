/** What README.md shows is what happens. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { program } from '../src/cli/program.ts';
import { blockpruner } from './cli/command.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'blockpruner-readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The fenced blocks of a language. */
function fenced(language: string): string[] {
  const blocks = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  return blocks.filter(([, name]) => name === language).map(([, , code]) => code);
}

describe('README.md', () => {
  it('shows the table that npm start prints', async () => {
    const { start } = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } })
      .scripts;
    const args = start.split('src/cli/main.ts ')[1].split(' ');
    const { code, stdout } = await blockpruner([...args, '--out', join(folder, 'start'), '--quiet']);
    expect(code).toBe(0);
    const table = fenced('').find((block) => block.startsWith('step  removed'));
    expect(stdout).toContain(table);
    expect(existsSync(join(folder, 'start', 'report.html'))).toBe(true);
  });

  describe('has programs that run as they are printed', () => {
    const programs = fenced('ts');
    /** In a folder where tiny-models lies as in the checkout, so that they write nothing here. */
    const runs = async (code: string): Promise<string> => {
      const cwd = mkdtempSync(join(folder, 'program-'));
      symlinkSync(join(root, 'tiny-models'), join(cwd, 'tiny-models'));
      const file = join(cwd, 'program.mts');
      writeFileSync(file, code.replaceAll("'blockpruner'", `'${pathToFileURL(join(root, 'src/index.ts')).href}'`));
      const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd });
      const written = readdirSync(cwd).filter((name) => !['tiny-models', 'program.mts'].includes(name));
      return [stdout, ...written.toSorted()].join('\n');
    };
    const lines = (code: string): number => code.split('\n').filter((line) => line.trim() !== '').length;

    it('the first, of fewer than ten lines, prints a perplexity and a text', async () => {
      expect(lines(programs[0])).toBeLessThan(10);
      const stdout = await runs(programs[0]);
      expect(
        Number(/ppl: ([\d.]+) \(convention paper: chunks of 16 tokens.*; simd \(/.exec(stdout)?.[1]),
      ).toBeGreaterThan(1);
      expect(stdout.split('\n').slice(1).join('\n').trim()).not.toBe('');
    });

    it('the second, of fewer than fifteen, prunes and writes a report', async () => {
      expect(programs).toHaveLength(2);
      expect(lines(programs[1])).toBeLessThan(15);
      const table = fenced('').find((block) => block.startsWith('step  removed')) ?? '';
      const removed = [...table.matchAll(/^ +(\d) +(L\d\.m\w+)/gm)]
        .slice(0, 4)
        .map(([, step, name]) => `${step} ${name}`);
      expect(await runs(programs[1])).toBe([...removed, '', 'report.html', 'shakespeare.jsonl'].join('\n'));
    });
  });

  it('names only commands and options that exist', () => {
    const commands = new Map(program().commands.map((command) => [command.name(), command]));
    const lines = [
      ...fenced('sh')
        .join('')
        .matchAll(/npm run -s cli -- (\w+)(.*)/g),
      ...readme.matchAll(/^\| `(prune|perplexity|generate|inspect|doctor)\b(.*)/gm),
    ];
    expect(lines.length).toBeGreaterThan(6);
    for (const [, name, rest] of lines) {
      const known = commands.get(name)?.options.map(({ long }) => long);
      for (const [option] of rest.matchAll(/--[a-z][a-z-]*/g)) expect(known, name).toContain(option);
    }
  });

  it('links to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, path]) => path);
    expect(links.length).toBeGreaterThan(6);
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
