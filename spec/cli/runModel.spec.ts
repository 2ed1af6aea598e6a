/**
 * A run's folder says which model it searched; another model's blocks are not taken without a word.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { requireOwnRun, warnOfForeignMask } from '../../src/cli/runModel.ts';
import { JournalMismatchError } from '../../src/errors.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { blockpruner, planted, text } from './command.ts';
import { folderOf } from './scratch.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-run-model-'));
const { weights, close } = await openModel(planted);
const hash = await weights.contentHash(nodeHasher());
afterAll(async () => {
  await close();
  rmSync(folder, { recursive: true });
});

const other = 'f'.repeat(64);
const order = { 1: [['mlp', 1]], 2: [['mha', 0], ['mlp', 1]] }; // prettier-ignore
const steps = [{ removed: 'L1.mlp' }, { removed: 'L0.mha' }];
const result = (contentHash: string): object => ({ model: { name: 'mine', contentHash }, steps });

let count = 0;
/** A run's folder with these files. */
const runOf = (files: Readonly<Record<string, unknown>>): string =>
  folderOf(join(folder, `run ${count++}`), { 'del_order_list.json': order, ...files });

async function required(run: string): Promise<string[]> {
  const warnings: string[] = [];
  await requireOwnRun(run, weights, (warning) => warnings.push(warning));
  return warnings;
}

async function warned(argument: string): Promise<string[]> {
  const warnings: string[] = [];
  await warnOfForeignMask(argument, weights, (warning) => warnings.push(warning));
  return warnings;
}

const journal = (contentHash: string): string => `${JSON.stringify({ type: 'header', weights: contentHash })}\n{}\n`;

describe('heal --run', () => {
  it.each<[string, Record<string, unknown>]>([
    ['by its result', { 'result.json': result(hash), 'journal.jsonl': journal(hash) }],
    ['by its journal, where the result is missing', { 'journal.jsonl': journal(hash) }],
    ['by its journal, where the result is not JSON', { 'result.json': '{', 'journal.jsonl': journal(hash) }],
    ['with both blocks of a layer in a step', {
      'result.json': { model: { contentHash: hash }, steps: [{ removed: 'L2.mlp,L2.mha' }, { removed: null }] },
      'del_order_list.json': { 1: [['mha', 2], ['mlp', 2]], 2: [['mha', 2], ['mlp', 2]] },
    }], // prettier-ignore
  ])('takes the run of this model, %s', async (_, files) => {
    expect(await required(runOf(files))).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['by its result', { 'result.json': result(other) }, "result.json: this run searched a model named 'mine', whose"],
    ['by its journal', { 'journal.jsonl': journal(other) }, 'journal.jsonl: this run searched another model, whose'],
    ['healed from another', { 'healing.json': { model: 'm', contentHash: other } }, "a model named 'm'"],
  ])("refuses another model's, %s", async (_, files, message) => {
    const refused = required(runOf(files));
    await expect(refused).rejects.toThrow(JournalMismatchError);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(/use --mask .*del_order_list\.json\.$/);
  });

  it.each<[string, object]>([
    [
      'another block',
      {
        1: [['mlp', 1]],
        2: [
          ['mha', 2],
          ['mlp', 1],
        ],
      },
    ],
    [
      'another order',
      {
        1: [['mha', 0]],
        2: [
          ['mha', 0],
          ['mlp', 1],
        ],
      },
    ],
    ['a step less', { 1: [['mlp', 1]] }],
  ])("refuses a list of removed blocks that is not the result's: %s", async (_, changed) => {
    const run = runOf({ 'result.json': result(hash), 'del_order_list.json': changed });
    await expect(required(run)).rejects.toThrow(/del_order_list\.json: does not remove what .*result\.json says/);
  });

  it('warns where the folder does not say', async () => {
    const run = runOf({});
    expect(await required(run)).toEqual([expect.stringContaining(`${run}: has no result.json and no journal`)]);
  });
});

describe('--mask', () => {
  it("warns of another model's list, not of this one's or of any other file", async () => {
    const run = runOf({ 'result.json': result(other) });
    for (const argument of [join(run, 'del_order_list.json'), join(run, 'del_order_list.json@1')]) {
      expect(await warned(argument)).toEqual([
        `${join(run, 'del_order_list.json')}: these blocks were chosen for a model named 'mine', ` +
          `whose weights are not those of '${planted}'.`,
      ]);
    }
    const silent = ['', 'L0.mha', join(run, 'mine.json'), join(runOf({}), 'del_order_list.json')];
    silent.push(join(runOf({ 'result.json': result(hash) }), 'del_order_list.json'));
    // A healed model with the list beside it, in the folder of the run that it came from.
    silent.push(
      join(runOf({ 'result.json': result(other), 'healing.json': { contentHash: hash } }), 'del_order_list.json'),
    );
    for (const argument of silent) expect(await warned(argument), argument).toEqual([]);
  });

  it('shows nothing of a name that steers a terminal', async () => {
    const run = runOf({ 'result.json': { model: { name: '\u001b[2J', contentHash: other } } });
    expect((await warned(join(run, 'del_order_list.json')))[0]).toContain("named '\\u001b[2J'");
  });
});

describe('the commands', () => {
  const mine = runOf({ 'result.json': result(hash) });
  const foreign = runOf({ 'result.json': result(other) });
  const data = ['--data', text, '--threads', '1'];

  it('heal refuses in one line, and writes nothing', async () => {
    const out = join(folder, 'healed');
    const args = ['heal', planted, ...data, '--valid', text, '--run', foreign, '--out', out];
    const { code, stdout, stderr } = await blockpruner(args);
    expect(stderr.split('\n').filter((line) => line.startsWith('error: '))).toEqual([
      expect.stringMatching(/^error: .*result\.json: this run searched a model named 'mine', whose weights are not/),
    ]);
    expect([code, stdout]).toEqual([1, '']);
    expect(() => readFileSync(out)).toThrow('ENOENT');
  });

  it('perplexity and generate warn, and do as they were told', async () => {
    for (const command of [
      ['perplexity', planted, ...data, '--tokens', '512'],
      ['generate', planted, '--prompt', 'a', '--max-tokens', '1', '--threads', '1'],
    ]) {
      for (const [run, warns] of [
        [mine, false],
        [foreign, true],
      ] as const) {
        // prettier-ignore
        const { code, stderr } = await blockpruner([...command, '--mask', join(run, 'del_order_list.json')]);
        expect([code, stderr.includes('these blocks were chosen for')], stderr).toEqual([0, warns]);
      }
    }
  });
});
