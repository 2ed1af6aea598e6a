/** What `--help` shows: options in groups, and examples that run as they stand. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program } from '../../src/cli/program.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { ggufWriter } from '../../src/formats/write/ggufWriter.ts';
import { writeModel } from '../../src/formats/write/modelWriter.ts';
import { folderSink } from '../../src/platform/nodeFileSink.ts';
import { blockpruner } from './command.ts';
import { inProcess } from './inProcess.ts';
import { PLANTED, recipeFiles, TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-help-'));
afterAll(() => rmSync(folder, { recursive: true }));
const commands = program().commands;

/** The help of a command as a user sees it. */
async function helpOf(name: string): Promise<string> {
  const { code, stdout } = await inProcess([name, '--help'], { cwd: folder });
  expect(code).toBe(0);
  return stdout;
}

/** The words after `blockpruner` in each example. */
function examplesOf(help: string): string[][] {
  const [, text = ''] = help.split('\nExamples:\n');
  return text
    .split('\n')
    .filter((line) => line.startsWith('    blockpruner '))
    .map((line) => (line.match(/'[^']*'|\S+/g) ?? []).slice(1).map((word) => word.replaceAll("'", '')));
}

/** What the examples call the user's own. */
beforeAll(async () => {
  for (const [name, content] of Object.entries(recipeFiles({}, 'sentences.txt')))
    writeFileSync(join(folder, name), content);
  cpSync(PLANTED, join(folder, 'my-model'), { recursive: true });
  cpSync(TEXT, join(folder, 'held-out.txt'));
  cpSync(TEXT, join(folder, 'text.txt'));
  const first = ['prune', 'my-model', '--data', 'text.txt', '--tokens', '512', '--blocks', '2', '--out', 'runs/first'];
  expect(await inProcess([...first, '--quiet'], { cwd: folder })).toMatchObject({ code: 0 });
  cpSync(join(folder, 'runs', 'first'), join(folder, 'runs', 'second'), { recursive: true });
  const planted = await openModel(PLANTED);
  const writer = ggufWriter({ file: 'my-model.gguf', metadata: null, type: null });
  await writeModel(writer, planted.weights, new Map(), folderSink(folder));
  await planted.close();
  // That file has no tokenizer.
  writeFileSync(join(folder, 'ids.json'), JSON.stringify(Array.from({ length: 128 }, (_, at) => at % 17)));
  const mine = ['prune', 'my-model.gguf', '--data', 'ids.json', '--chunk', '32', '--blocks', '2', '--out', 'runs/mine'];
  expect(await inProcess([...mine, '--quiet'], { cwd: folder })).toMatchObject({ code: 0 });
});

describe.each(commands.map((command) => [command.name(), command] as const))('%s --help', (name, command) => {
  it('has every option in a group with a name', async () => {
    const help = await helpOf(name);
    expect(help).not.toMatch(/^Options:$/m);
    const headings = help.match(/^[A-Z][^\n]*:$/gm) ?? [];
    expect(new Set(headings).size).toBe(headings.length);
    for (const { long } of command.options) expect(help).toContain(`  ${long}`);
  });

  it('does not say that what is not given is false', async () => {
    expect(await helpOf(name)).not.toContain('default: false');
  });

  it('ends with two to four examples', async () => {
    const examples = examplesOf(await helpOf(name));
    expect(examples.length).toBeGreaterThanOrEqual(2);
    expect(examples.length).toBeLessThanOrEqual(4);
    for (const [first] of examples) expect(first).toBe(name);
  });

  it('gives examples that run', async () => {
    for (const words of examplesOf(await helpOf(name))) {
      // The hub is somewhere else, and 400 steps and 8,192 tokens are long.
      if (words.some((word) => word.includes('/SmolLM2'))) continue;
      const few = words.map((word) => ({ 400: '2', 8192: '1024' })[word] ?? word);
      if (name === 'heal' && !few.includes('--steps')) few.push('--steps', '2');
      if (name === 'serve') {
        // It goes on until it is interrupted.
        const { code: ended } = await blockpruner(few, { cwd: folder, killAt: /Ctrl-C ends it/, signal: 'SIGINT' });
        expect(ended).toBe(130);
        continue;
      }
      const { code, stderr } = await inProcess(few, { cwd: folder });
      expect(`${words.join(' ')}: ${code} ${code === 0 ? '' : stderr}`).toBe(`${words.join(' ')}: 0 `);
    }
  });
});
