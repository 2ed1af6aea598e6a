/** `blockpruner repair`: what it leaves behind, what it says, and how it goes on. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RepairRunResult } from '../../src/prune/repair/repairRun.ts';
import { blockpruner } from './command.ts';
import { inProcess } from './inProcess.ts';
import { filesOf } from './scratch.ts';
import { measure, model, PLANTED, TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-repair-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MASK = 'L5.mlp,L4.mha';
const RUN = ['--threads', '1', '--lanes', '4'];
const FIT = ['--data', TEXT, '--tokens', '2048', '--chunk', '128', '--eval', TEXT];

/** `repair` with these further words, which must come to its end. */
async function repaired(...rest: string[]): Promise<{ stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await inProcess(['repair', PLANTED, ...FIT, ...RUN, ...rest], { cwd: folder });
  expect(code, stderr).toBe(0);
  return { stdout, stderr };
}

function resultOf(out: string): RepairRunResult {
  return JSON.parse(readFileSync(join(folder, out, 'repair.json'), 'utf8')) as RepairRunResult;
}

/** The tensors and figures of a repair; seconds alone may differ. */
function madeBy(out: string): unknown {
  const document = JSON.stringify(resultOf(out), (key, value: unknown) => (key === 'seconds' ? 0 : value));
  return [document, [...filesOf(join(folder, out, 'repair')).values()]];
}

async function perplexityOf(...rest: string[]): Promise<number> {
  const args = measure(PLANTED, '--tokens', '2048', '--chunk', '128', ...RUN, '--json', '--quiet', ...rest);
  const { code, stdout, stderr } = await inProcess(args, { cwd: folder });
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { ppl: number }).ppl;
}

describe('repair', () => {
  let said = { stdout: '', stderr: '' };
  beforeAll(async () => {
    said = await repaired('--mask', MASK, '--out', 'straight');
  });

  it('leaves a document, the fitted tensors, the removed blocks and a journal', () => {
    const { repair, removed } = resultOf('straight');
    expect(removed).toEqual(MASK.split(','));
    expect(repair.tensors.length).toBeGreaterThan(0);
    for (const { file } of repair.tensors) expect(existsSync(join(folder, 'straight', file))).toBe(true);
    const order = JSON.parse(readFileSync(join(folder, 'straight', 'del_order_list.json'), 'utf8')) as unknown;
    expect(order).toEqual({ 1: [['mha', 4], ['mlp', 5]] }); // prettier-ignore
    expect(existsSync(join(folder, 'straight', 'journal.lock'))).toBe(false);
  });

  it('mends what was broken, and states what --run then measures, to the last bit', async () => {
    const { evaluation } = resultOf('straight').repair;
    const [dense, pruned, after] = [evaluation?.dense.ppl, evaluation?.pruned.ppl, evaluation?.repaired.ppl];
    expect(after).toBe(await perplexityOf('--run', 'straight'));
    expect(pruned).toBe(await perplexityOf('--mask', MASK));
    expect(dense).toBe(await perplexityOf());
    expect(Number(after)).toBeLessThan(Number(pruned));
  });

  it('says it in a table with standard errors, names what keeps its weights, and how to run it', () => {
    const lines = said.stdout.split('\n');
    expect(said.stdout).toMatch(/^.*planted: 2 blocks of 12 removed, 16\.7 % of block parameters$/m);
    expect(said.stdout).toMatch(/^tiny\.txt: 1,792 tokens fitted, 256 held out; /m);
    expect(said.stdout).toMatch(/^perplexity +tiny\.txt, fitted +held out +tiny\.txt$/m);
    for (const name of ['dense', 'pruned', 'repaired']) {
      const row = lines.find((line) => line.startsWith(`${name}  `));
      expect(row).toMatch(/^\w+ +[\d.]+ ± [\d.]+ +[\d.]+ ± [\d.]+ +[\d.]+ ± [\d.]+$/);
    }
    expect(said.stdout).toMatch(/^repaired: refit of every kept block, \d+ tensors? changed; ridge factor \d/m);
    const kept = resultOf('straight').repair.blocks.filter((block) => block.kept !== null);
    const named = [...said.stdout.matchAll(/^(\d+) blocks? keeps? (?:its|their) weights \(.+\): L/gm)];
    expect(named.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(kept.length);
    expect(said.stdout).toMatch(/^straight: run the repaired model by --run straight$/m);
  });

  it('prints its document alone with --json', async () => {
    const { stdout } = await repaired('--mask', MASK, '--out', 'straight', '--json', '--quiet');
    expect(JSON.parse(stdout)).toEqual(resultOf('straight'));
  });

  it('goes by its default to repaired/ in the run, from the mask of a step, whatever repair that has', async () => {
    mkdirSync(join(folder, 'run'));
    cpSync(join(folder, 'straight'), join(folder, 'run'), { recursive: true });
    const order = { 1: [['mlp', 5]], 2: [['mha', 4], ['mlp', 5]] }; // prettier-ignore
    const { model: ours } = resultOf('straight');
    writeFileSync(join(folder, 'run', 'del_order_list.json'), JSON.stringify(order));
    rmSync(join(folder, 'run', 'repair.json'));
    const steps = [{ removed: 'L5.mlp' }, { removed: 'L4.mha' }];
    const { repair } = resultOf('straight');
    writeFileSync(join(folder, 'run', 'result.json'), JSON.stringify({ model: ours, steps, repair }));
    await repaired('--run', 'run', '--step', '1', '--quiet');
    expect(resultOf('run/repaired').removed).toEqual(['L5.mlp']);
    // Another mask in the same folder takes the place of the first; the fits they share are kept.
    await repaired('--run', 'run', '--quiet');
    expect(resultOf('run/repaired').repair.tensors).toEqual(repair.tensors);
  });

  it.each([
    ['cuts', ['--scope', 'cuts'], 'refit', /refit before each cut/],
    ['replaceme', ['--form', 'replaceme', '--ridge', '1,0.1'], 'replaceme', /replaceme of every kept block/],
  ])('takes %s, and says so', async (name, options, form, words) => {
    const { stdout } = await repaired('--mask', MASK, '--out', name, '--quiet', ...options);
    expect(stdout).toMatch(words);
    expect(resultOf(name).repair.settings).toMatchObject({ form });
    expect(await perplexityOf('--run', name)).toBe(resultOf(name).repair.evaluation?.repaired.ppl);
  });

  it('under other settings is refused in the same folder, and begun anew with --fresh', async () => {
    cpSync(join(folder, 'straight'), join(folder, 'again'), { recursive: true });
    const args = ['repair', PLANTED, ...FIT, ...RUN, '--mask', MASK, '--out', 'again', '--scope', 'cuts', '--quiet'];
    const { code, stderr } = await inProcess(args, { cwd: folder });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/belongs to a run with other settings/)]);
    expect(madeBy('again')).toEqual(madeBy('straight'));
    expect((await inProcess([...args, '--fresh'], { cwd: folder })).code).toBe(0);
    expect(resultOf('again').repair.settings.scope).toBe('cuts');
  });

  it('warns where a text is short for the matrices', async () => {
    const few = ['--tokens', '16', '--chunk', '8', '--mask', MASK, '--out', 'few'];
    const args = ['repair', PLANTED, '--data', TEXT, ...few, ...RUN, '--quiet'];
    const { code, stderr } = await inProcess(args, { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^warning: 8 tokens are fitted, fewer than the \d+ inputs of L\d\.m\w\w's output matrix/m);
  });

  test.prop([fc.uuid(), fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 2 })], {
    numRuns: 1,
    endOnFailure: true,
  })('killed at any file ends like one that is not', async (name, kills) => {
    const args = ['repair', PLANTED, ...FIT, ...RUN, '--mask', MASK, '--out', join(folder, name)];
    for (const count of kills) await blockpruner(args, { env: killedAtRename(count) });
    rmTensor(join(folder, name), kills[0]);
    const { code, stderr } = await blockpruner(args);
    expect(code, stderr).toBe(0);
    expect(madeBy(name)).toEqual(madeBy('straight'));
  });

  it('by Ctrl-C says how to go on and exits with 130', async () => {
    const out = join(folder, 'interrupted');
    const args = ['repair', PLANTED, ...FIT, ...RUN, '--mask', MASK, '--out', out];
    const interrupted = await blockpruner(args, { env: killedAtRename(2, 'SIGINT') });
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toMatch(/interrupted; the same command resumes\./);
    const { stderr } = await blockpruner(args);
    expect(stderr).toContain(`resuming from ${join(out, 'journal.jsonl')}`);
    expect(madeBy('interrupted')).toEqual(madeBy('straight'));
  });
});

/** The process ends itself as soon as so many files have come into place. */
function killedAtRename(count: number, signal: string = 'SIGKILL'): Record<string, string> {
  const script = `
    import fs from 'node:fs/promises';
    import { syncBuiltinESMExports } from 'node:module';
    const { rename } = fs;
    let left = ${count};
    fs.rename = async (...args) => {
      await rename(...args);
      if (--left === 0) {
        process.kill(process.pid, '${signal}');
        await new Promise((resolve) => setTimeout(resolve, 10_000));
      }
    };
    syncBuiltinESMExports();`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}

/** Removes one of the fitted tensors, if there are any. */
function rmTensor(out: string, which: number): void {
  const tensors = existsSync(join(out, 'repair')) ? [...filesOf(join(out, 'repair')).keys()] : [];
  if (tensors.length > 0) rmSync(tensors[which % tensors.length]);
}

describe('repair --write', () => {
  const cwd = join(folder, 'writing');
  const CARD = '---\nlicense: mit\n---\n\n# The planted model\n';
  const args = ['repair', 'model', ...FIT, ...RUN, '--mask', MASK, '--out', 'out', '--write', 'written', '--quiet'];
  beforeAll(async () => {
    mkdirSync(cwd);
    model({ 'README.md': CARD, 'notes.txt': 'mine' })(cwd);
    const { code, stderr } = await inProcess(args, { cwd });
    expect(code, stderr).toBe(0);
  });
  const read = (name: string): string => readFileSync(join(cwd, 'written', name), 'utf8');
  const written = resolve(cwd, 'written');

  it('writes a model that any program runs: without a mask it scores as under one, and as it was fitted', async () => {
    const { repair } = resultOf('writing/out');
    const of = (...rest: string[]): Promise<number> => {
      const words = ['perplexity', written, '--data', TEXT, '--tokens', '2048', '--chunk', '128', ...RUN];
      return inProcess([...words, '--json', '--quiet', ...rest], { cwd }).then(
        ({ stdout }) => (JSON.parse(stdout) as { ppl: number }).ppl,
      );
    };
    const plain = await of();
    expect(plain).toBe(await of('--mask', join(written, 'del_order_list.json')));
    // Rounded to the type that the model is stored in.
    expect(plain / Number(repair.evaluation?.repaired.ppl)).toBeCloseTo(1, 3);
  });

  it("labels it in its card, which the model's own follows, and in a document", () => {
    const card = read('README.md');
    expect(card.startsWith('---\nlicense: mit\n---\n<!-- blockpruner: pruned and repaired -->\n# ')).toBe(true);
    expect(card).toMatch(/, pruned and repaired\n/);
    expect(card).toContain(`\`${MASK}\``);
    expect(card).toMatch(/^\| repaired \| [\d.]+ \| [\d.]+ \| [\d.]+ \|$/m);
    expect(card.endsWith('---\n\n# The planted model\n')).toBe(true);
    const document = JSON.parse(read('repaired.json')) as RepairRunResult;
    expect(document).toMatchObject({ schema: 'blockpruner.repaired/1', removed: MASK.split(',') });
    expect(existsSync(join(written, 'notes.txt'))).toBe(false);
  });

  it('is written again over itself, its card as well', async () => {
    const before = filesOf(written);
    const { code, stderr } = await inProcess(args, { cwd });
    expect(code, stderr).toBe(0);
    expect(filesOf(written)).toEqual(before);
  });
});
