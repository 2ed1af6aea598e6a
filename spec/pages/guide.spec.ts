/** Pages of the guide that say what the program says: errors, words, first steps. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inProcess } from '../cli/inProcess.ts';
import * as errors from '../../src/errors.ts';
import { Page } from './page.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-guide-'));
afterAll(() => rmSync(folder, { recursive: true }));
const run = (line: string): ReturnType<typeof inProcess> => inProcess(line.split(' '), { cwd: folder });

describe('troubleshooting', () => {
  const page = new Page('docs/guide/troubleshooting.md');
  const classes = Object.entries(errors)
    .filter(
      ([, value]) => value === errors.BlockprunerError || Object.getPrototypeOf(value) === errors.BlockprunerError,
    )
    .map(([name]) => name);
  /** The part of the page under a heading. */
  const part = (heading: string): string =>
    new RegExp(`^## ${heading}\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, 'm').exec(page.text)?.[1] ?? '';

  it('has a part for each class of error, and a link to it', () => {
    expect(classes.length).toBeGreaterThan(14);
    for (const name of classes) {
      expect(part(name).length, name).toBeGreaterThan(100);
      expect(page.text).toContain(`[${name}](#${name.toLowerCase()})`);
    }
  });

  beforeAll(async () => {
    writeFileSync(join(folder, 'short.txt'), 'short text');
    writeFileSync(join(folder, 'rows.jsonl'), '{"text":"One row."}\n{"body":"Another."}\n');
    mkdirSync(join(folder, 'mamba'));
    writeFileSync(join(folder, 'mamba/config.json'), '{"model_type":"mamba"}');
    writeFileSync(join(folder, 'mamba/model.safetensors'), '');
    await run('prune tiny:planted --tokens 256 --blocks 1 --out runs/mine --quiet');
  });

  it.each([
    ['UsageError', 'prune tiny:planted --ratio 3'],
    ['NotFoundError', 'prune models/x.gguf --data short.txt --blocks 1'],
    ['FormatError', 'perplexity tiny:planted --data rows.jsonl --quiet'],
    ['UnsupportedModelError', 'inspect mamba'],
    ['DataError', 'perplexity tiny:planted --data short.txt --quiet'],
    ['MaskError', 'perplexity tiny:planted --mask L30.mlp --quiet'],
    ['JournalMismatchError', 'prune tiny:planted --tokens 512 --blocks 1 --out runs/mine --quiet'],
    ['MemoryBudgetError', 'prune tiny:planted --memory 1MB --blocks 1 --quiet'],
  ])('quotes a %s as it is shown', async (name, line) => {
    const { code, stderr } = await run(line);
    expect(code).toBe(name === 'UsageError' ? 2 : 1);
    const [, quoted] = /^> (error: .*)$/m.exec(part(name)) ?? [];
    expect(stderr.replaceAll(/^(?:data|warning): .*\n/gm, '')).toBe(`${quoted.replaceAll('\\', '')}\n`);
  });
});

describe('the glossary', () => {
  const terms = [...new Page('docs/guide/glossary.md').text.matchAll(/\*\*([^*]+)\*\*/g)].map(([, term]) =>
    term.toLowerCase(),
  );

  it('has every word of the architecture page that a user meets', () => {
    const [, words] = /^## Words\n([\s\S]*?)^## /m.exec(new Page('docs/internals/architecture.md').text) ?? [];
    const inside = new Set(['group', 'tile', 'pricer', 'session', 'method', 'stream']);
    const needed = [...words.matchAll(/\*\*(\w+)\*\*/g)].map(([, term]) => term).filter((term) => !inside.has(term));
    expect(needed.length).toBeGreaterThan(8);
    expect(needed.filter((term) => !terms.includes(term))).toEqual([]);
  });

  it('has no word twice', () => {
    expect(new Set(terms).size).toBe(terms.length);
  });
});

describe('getting started', () => {
  it('shows the steps that its first search takes', async () => {
    const page = new Page('docs/guide/getting-started.md');
    const { stdout } = await run('prune tiny:planted --blocks 3 --out runs/first --quiet');
    const steps = (text: string): string[] =>
      [...text.matchAll(/^ +(\d) +(L\d\.\w+) +([\d.]+)/gm)].map((step) => step.slice(1).join(' '));
    const table = page.fenced('').find(({ code }) => code.startsWith('step  removed'))?.code ?? '';
    expect(steps(table)).toHaveLength(3);
    expect(steps(table)).toEqual(steps(stdout));
  });
});
