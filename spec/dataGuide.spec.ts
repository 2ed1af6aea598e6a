/** What docs/guide/data.md shows is what happens. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { dataEndings } from '../src/eval/dataForm.ts';
import { inProcess } from './cli/inProcess.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const guide = readFileSync(join(root, 'docs/guide/data.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'blockpruner-guide-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the guide to data', () => {
  const commands = [...guide.matchAll(/^npm run -s cli -- (.*)$/gm)].map(([, words]) => words);

  it.each(commands)('runs: %s', async (words) => {
    const { code, stdout, stderr } = await inProcess([...words.split(' '), '--quiet'], { cwd: root });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^perplexity \d/);
    if (words.includes('--sample')) expect(stdout).toMatch(/16 windows of \d+ tokens drawn at random \(seed 0\) from/);
  });

  it('has a program that runs as it is printed', async () => {
    const [, code] = /^```ts\n([\s\S]*?)^```$/m.exec(guide) ?? [];
    symlinkSync(join(root, 'tiny-models'), join(folder, 'tiny-models'));
    const file = join(folder, 'program.mts');
    writeFileSync(file, code.replaceAll("'blockpruner'", `'${pathToFileURL(join(root, 'src/index.ts')).href}'`));
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
    expect(stdout).toMatch(/4 windows of 16 tokens drawn at random \(seed 1\) from \d+ tokens, .*line ends read as LF/);
  });

  it('names every ending', () => {
    expect(commands).toHaveLength(3);
    for (const ending of dataEndings.split(', ')) expect(guide).toContain(`\`${ending}\``);
  });
});
