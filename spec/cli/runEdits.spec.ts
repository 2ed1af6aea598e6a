/** What a run's folder makes of a model, for `perplexity`, `generate` and `heal`. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runEdits } from '../../src/cli/runEdits.ts';
import { BlockprunerError, FormatError, JournalMismatchError, NotFoundError, UsageError } from '../../src/errors.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { edited } from '../../src/model/edit.ts';
import { folderFiles } from '../../src/platform/nodeFiles.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import type { RepairDocument } from '../../src/repair/document.ts';
import { tensorStore } from '../../src/repair/store.ts';
import { madeDocument, scaledTensors } from '../repair/made.ts';
import { planted } from './command.ts';
import { inProcess } from './inProcess.ts';
import { folderOf } from './scratch.ts';
import { measure, model, PLANTED, TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-run-edits-'));
const { weights, close } = await openModel(planted);
const contentHash = await weights.contentHash(nodeHasher());
afterAll(async () => {
  await close();
  rmSync(folder, { recursive: true });
});

const DOWN = 'model.layers.0.mlp.down_proj.weight';
const OUT = 'model.layers.4.self_attn.o_proj.weight';
const order = { 1: [['mlp', 5]], 2: [['mha', 1], ['mlp', 5]] }; // prettier-ignore
const steps = [{ removed: 'L5.mlp' }, { removed: 'L1.mha' }];
const MASK = 'L5.mlp,L1.mha';

let count = 0;
/** A run's folder with these files. */
const runOf = (files: Readonly<Record<string, unknown>>): string =>
  folderOf(join(folder, `run ${count++}`), { 'del_order_list.json': order, ...files });

/** A run of `prune --repair`: two tensors, doubled. */
async function repairedRun(change: (document: RepairDocument) => object = (document) => document): Promise<string> {
  const run = runOf({});
  const tensors = await scaledTensors(weights, [DOWN, OUT], 2, tensorStore(folderFiles(run), nodeHasher));
  const result = { model: { name: 'mine', contentHash }, steps, repair: change(madeDocument(MASK, tensors)) };
  writeFileSync(join(run, 'result.json'), JSON.stringify(result));
  return run;
}

/** A folder of `repair`: another document, one step. */
async function repairFolder(): Promise<string> {
  const run = runOf({ 'del_order_list.json': { 1: order[2] } });
  const tensors = await scaledTensors(weights, [DOWN], 3, tensorStore(folderFiles(run), nodeHasher));
  const result = { schema: 'blockpruner.repair/1', model: { name: 'mine', contentHash } };
  writeFileSync(join(run, 'repair.json'), JSON.stringify({ ...result, repair: madeDocument(MASK, tensors) }));
  return run;
}

const warnings: string[] = [];
const editsOf = (run: string, step?: number): ReturnType<typeof runEdits> =>
  runEdits(run, step, weights, (warning) => warnings.push(warning));
const path = (run: string, file: string): string => join(run, file);

describe('a run', () => {
  it('without a repair gives its mask, and the mask of a step', async () => {
    const run = runOf({ 'result.json': { model: { name: 'mine', contentHash }, steps } });
    const { mask, edits, repair } = await editsOf(run);
    expect([mask.size, edits, repair]).toEqual([2, [], null]);
    expect((await editsOf(run, 1)).mask.toString()).toBe('L5.mlp');
    expect(warnings).toEqual([]);
  });

  it.each([
    ['prune', repairedRun, [DOWN, OUT], 2],
    ['repair', repairFolder, [DOWN], 3],
  ])('of %s with a repair gives mask and tensors, in the order of removal', async (_, made, names, factor) => {
    const run = await made();
    const { mask, edits, repair } = await editsOf(run);
    expect(mask.toString()).toBe(MASK);
    expect(edits.map(({ tensor }) => tensor)).toEqual(names);
    expect(repair).toMatchObject({ form: 'refit', scope: 'all' });
    const repaired = edited(weights, edits);
    for (const name of names) {
      const expected = (await weights.tensor(name)).map((value) => factor * value);
      expect(await repaired.tensor(name)).toEqual(expected);
    }
  });

  it('whose steps were repaired each gives the step that is asked for', async () => {
    const run = runOf({});
    const store = tensorStore(folderFiles(run), nodeHasher);
    const [one, two] = [await scaledTensors(weights, [DOWN], 2, store), await scaledTensors(weights, [DOWN], 3, store)];
    const each = [
      { removed: 'L5.mlp', repair: madeDocument('L5.mlp', one) },
      { removed: 'L1.mha', repair: { note: 'figures alone' } },
    ];
    const result = { model: { name: 'mine', contentHash }, steps: each, repair: madeDocument(MASK, two) };
    writeFileSync(path(run, 'result.json'), JSON.stringify(result));
    expect((await editsOf(run, 1)).repair?.tensors).toEqual(one);
    expect((await editsOf(run, 2)).repair?.tensors).toEqual(two);
    expect((await editsOf(run)).repair?.tensors).toEqual(two);
  });

  it('says that another step than the repaired one has no repair', async () => {
    const failed = editsOf(await repairedRun(), 1);
    await expect(failed).rejects.toThrow(UsageError);
    await expect(failed).rejects.toThrow(
      /was repaired after all its removals, and not after step 1\. Leave --step out/,
    );
  });

  it('of another model is refused, with or without a repair', async () => {
    const run = await repairFolder();
    const document = JSON.parse(readFileSync(path(run, 'repair.json'), 'utf8')) as object;
    const other = { ...document, model: { name: 'theirs', contentHash: 'f'.repeat(64) } };
    writeFileSync(path(run, 'repair.json'), JSON.stringify(other));
    const failed = editsOf(run);
    await expect(failed).rejects.toThrow(JournalMismatchError);
    await expect(failed).rejects.toThrow(/a model named 'theirs'/);
  });

  it('whose document cannot be read is refused: it might hold a repair', async () => {
    for (const file of ['result.json', 'repair.json']) {
      const failed = editsOf(runOf({ [file]: '{"model": {' }));
      await expect(failed).rejects.toThrow(FormatError);
      await expect(failed).rejects.toThrow(/is not valid JSON, so it cannot be told whether the model was repaired/);
    }
    await expect(editsOf(await repairedRun(() => ({ mask: MASK })))).rejects.toThrow(FormatError);
    const run = runOf({});
    mkdirSync(path(run, 'repair.json'));
    await expect(editsOf(run)).rejects.toThrow(/repair\.json: is a folder/);
  });

  it('with a fitted tensor that is missing or damaged fails where the tensor is read, and names the file', async () => {
    for (const damage of [(file: string) => rmSync(file), (file: string) => truncateSync(file, 300)]) {
      const run = await repairedRun();
      const { edits, repair } = await editsOf(run);
      const file = path(run, repair?.tensors[0].file ?? '');
      damage(file);
      const read = edited(weights, edits).tensor(DOWN);
      await expect(read).rejects.toThrow(BlockprunerError);
      await expect(read).rejects.toThrow(file);
      await expect(read).rejects.toThrow(/Repair the model again/);
    }
  });

  it('that left nothing behind is not there', async () => {
    const run = runOf({});
    rmSync(path(run, 'del_order_list.json'));
    await expect(editsOf(run)).rejects.toThrow(NotFoundError);
  });
});

interface Figures {
  ppl: number;
  mask: string;
  repair?: object;
}

describe('commands with --run', () => {
  const json = async (args: readonly string[]): Promise<Figures> => {
    const { code, stdout, stderr } = await inProcess([...args, '--json', '--quiet'], { cwd: folder });
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Figures;
  };
  const short = ['--tokens', '512', '--backend', 'reference'];

  it('perplexity measures the mask, and the repaired weights, and says so', async () => {
    const plain = await json(measure(PLANTED, '--mask', MASK, ...short));
    const ofRun = runOf({ 'result.json': { model: { name: 'mine', contentHash }, steps } });
    const pruned = await json(measure(PLANTED, '--run', ofRun, ...short));
    expect(pruned).toMatchObject({ ppl: plain.ppl });
    expect(pruned.repair).toBeUndefined();
    const run = await repairedRun();
    const repaired = await json(measure(PLANTED, '--run', run, ...short));
    expect(repaired.ppl).not.toBe(plain.ppl);
    expect(repaired).toMatchObject({
      mask: MASK,
      repair: { form: 'refit', scope: 'all', tensors: [{ name: DOWN }, { name: OUT }] },
    });
    const { stdout } = await inProcess(measure(PLANTED, '--run', run, '--quiet', ...short), { cwd: folder });
    expect(stdout).toMatch(
      /^without L5\.mlp,L1\.mha; repaired by run 'run \d+': refit of every kept block, 2 tensors changed$/m,
    );
    const step = await json(measure(PLANTED, '--run', ofRun, '--step', '1', ...short));
    expect(step.ppl).toBe((await json(measure(PLANTED, '--mask', 'L5.mlp', ...short))).ppl);
  });

  it('generate continues with the repaired weights', async () => {
    const generate = (...rest: string[]): Promise<Figures> =>
      json(['generate', PLANTED, '--prompt', 'the cat', '--max-tokens', '4', '--backend', 'reference', ...rest]);
    const run = await repairFolder();
    expect(await generate('--run', run)).toMatchObject({ mask: MASK, repair: { form: 'refit' } });
    expect((await generate('--mask', MASK)).repair).toBeUndefined();
  });

  it('heal trains on the repaired weights, and measures them between pruned and healed', async () => {
    const cwd = join(folder, 'healing');
    mkdirSync(cwd);
    model()(cwd);
    const run = await repairFolder();
    const args = ['heal', 'model', '--data', TEXT, '--valid', TEXT, '--tokens', '512', '--steps', '1', '--run', run];
    const { code, stdout, stderr } = await inProcess(args, { cwd });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^dense .*\npruned, .*\nrepaired +[\d.]+\nhealed /m);
    expect(stdout).toMatch(/repair and healing (?:brought back|did not help)/);
    const healing = JSON.parse(readFileSync(join(run, 'healed', 'healing.json'), 'utf8')) as Record<
      string,
      { ppl: number }
    >;
    expect(healing).toMatchObject({ mask: MASK, repair: { form: 'refit', tensors: [{ name: DOWN }] } });
    const valid = ['--tokens', '512', '--backend', 'reference'];
    const { ppl } = await json(measure(PLANTED, '--run', run, ...valid));
    expect(healing.repaired.ppl / ppl).toBeCloseTo(1, 4);
    expect(healing.healed.ppl).not.toBe(healing.repaired.ppl);
  });
});
