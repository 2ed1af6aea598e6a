/** `apply`: a pruned model as a GGUF file, and what it refuses. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { ggufWriter } from '../../src/formats/write/ggufWriter.ts';
import { writeModel } from '../../src/formats/write/modelWriter.ts';
import { edited } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { folderSink } from '../../src/platform/nodeFileSink.ts';
import { folderFiles } from '../../src/platform/nodeFiles.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { repairEdits } from '../../src/repair/readDocument.ts';
import { tensorStore } from '../../src/repair/store.ts';
import { madeDocument, scaledTensors } from '../repair/made.ts';
import { planted, type Outcome } from './command.ts';
import { inProcess } from './inProcess.ts';
import { filesOf, folderOf } from './scratch.ts';
import { PLANTED } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-apply-'));
const MODEL = join(folder, 'model.gguf');
const MASK = 'L5.mlp,L1.mha';
const { weights, close } = await openModel(planted);
await writeModel(
  ggufWriter({ file: 'model.gguf', metadata: null, type: null }),
  weights,
  new Map(),
  folderSink(folder),
);
afterAll(async () => {
  await close();
  rmSync(folder, { recursive: true });
});

const apply = (...rest: string[]): Promise<Outcome> => inProcess(['apply', ...rest], { cwd: folder });

const ids = [Int32Array.of(1, 5, 3, 8, 2, 2, 7)];

async function nllOf(source: WeightSource, mask: Mask = Mask.empty): Promise<Float32Array[]> {
  return (await Transformer.load(source, referenceBackend(), 2 ** 26)).nll(ids, mask);
}

async function nllOfFile(path: string): Promise<Float32Array[]> {
  const opened = await openModel(path);
  try {
    return await nllOf(opened.weights);
  } finally {
    await opened.close();
  }
}

describe('apply', () => {
  it('writes the model that the mask leaves, to the last bit, and says what it is', async () => {
    const out = join(mkdtempSync(join(folder, 'out-')), 'pruned.gguf');
    const { code, stdout, stderr } = await apply(MODEL, '--mask', MASK, '--out', out, '--json', '--quiet');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'blockpruner.apply/1',
      model: 'model.gguf',
      mask: MASK,
      file: 'pruned.gguf',
      arch: 'deci',
      layers: weights.config.layers.length,
      check: { difference: 0 },
    });
    expect(readdirSync(join(out, '..'))).toEqual(['pruned.gguf']);
    expect(await nllOfFile(out)).toEqual(await nllOf(weights, Mask.parse(MASK, weights.config)));
  });

  it('packs an attention and the next MLP into one layer, so that the architecture stays', async () => {
    const { stdout } = await apply(MODEL, '--mask', 'L2.mlp,L3.mha', '--out', 'packed.gguf', '--json', '--quiet');
    const { arch, layers, bytes, zeroBlocks } = JSON.parse(stdout) as Record<string, unknown> & {
      bytes: { dense: number; pruned: number };
    };
    expect({ arch, layers, zeroBlocks }).toEqual({
      arch: 'llama',
      layers: weights.config.layers.length - 1,
      zeroBlocks: { mha: 0, mlp: 0 },
    });
    expect(bytes.pruned).toBeLessThan(bytes.dense);
  });

  it('takes a run with its repair', async () => {
    const run = folderOf(join(folder, 'run'), { 'del_order_list.json': { 1: [['mlp', 5]], 2: [['mha', 1], ['mlp', 5]] } }); // prettier-ignore
    const store = tensorStore(folderFiles(run), nodeHasher);
    const source = await openModel(MODEL);
    const names = ['model.layers.0.mlp.down_proj.weight'];
    const repair = madeDocument(MASK, await scaledTensors(source.weights, names, 2, store));
    const contentHash = await source.weights.contentHash(nodeHasher());
    const steps = [{ removed: 'L5.mlp' }, { removed: 'L1.mha' }];
    writeFileSync(join(run, 'result.json'), JSON.stringify({ model: { name: 'mine', contentHash }, steps, repair }));
    const { code, stdout, stderr } = await apply(MODEL, '--run', run, '--out', 'repaired.gguf', '--quiet');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain("repaired by run 'run'");
    expect(stdout).toContain('the same numbers to the last bit over 64 tokens');
    const mask = Mask.parse(MASK, weights.config);
    const { mask: _, ...written } = { ...repair, scales: [] };
    const mended = edited(source.weights, repairEdits(written, weights.config, mask, store));
    expect(await nllOfFile(join(folder, 'repaired.gguf'))).toEqual(await nllOf(mended, mask));
    await source.close();
  });

  it('turns matrices into another type where it is told to', async () => {
    const { code, stdout } = await apply(MODEL, '--mask', MASK, '--out', 'bf16.gguf', '--quantize', 'BF16', '--quiet');
    expect(code).toBe(0);
    expect(stdout).toMatch(/matrices written as BF16; opened again, it gives numbers that differ by [\d.e-]+ nats/);
    const opened = await openModel(join(folder, 'bf16.gguf'));
    const matrices = [...opened.weights.tensors.values()].filter(({ shape }) => shape.length === 2);
    expect(new Set(matrices.map(({ dtype }) => dtype))).toEqual(new Set(['BF16']));
    await opened.close();
  });

  it('replaces a file only by --force', async () => {
    writeFileSync(join(folder, 'mine.gguf'), 'mine');
    const { code, stderr } = await apply(MODEL, '--mask', MASK, '--out', 'mine.gguf');
    expect(code).toBe(1);
    expect(stderr).toMatch(/mine\.gguf: is there already and would be replaced\..* --force/);
    expect(readFileSync(join(folder, 'mine.gguf'), 'utf8')).toBe('mine');
    expect((await apply(MODEL, '--mask', MASK, '--out', 'mine.gguf', '--force', '--quiet')).code).toBe(0);
    expect(await nllOfFile(join(folder, 'mine.gguf'))).toHaveLength(1);
  });

  mkdirSync(join(folder, 'taken.gguf'));
  it.each<[string, string[], number, RegExp]>([
    ['nothing that was removed', [MODEL, '--out', 'x.gguf'], 2, /what was removed is not clear\. Give --run or --mask/],
    ['another ending', [MODEL, '--mask', MASK, '--out', 'x.bin'], 2, /x\.bin: is not the name of a GGUF file/],
    ['the model itself', [MODEL, '--mask', MASK, '--out', MODEL, '--force'], 2, /is the model itself/],
    [
      'a folder in the way',
      [MODEL, '--mask', MASK, '--out', 'taken.gguf', '--force'],
      1,
      /is there, and is not a file/,
    ],
    [
      'a model of another format',
      [PLANTED, '--mask', MASK, '--out', 'x.gguf'],
      1,
      /only a GGUF model can be written as GGUF so far/,
    ],
    ['a block that is not there', [MODEL, '--mask', 'L99.mlp', '--out', 'x.gguf'], 1, /L99/],
    [
      'a type that is not written',
      [MODEL, '--mask', MASK, '--out', 'x.gguf', '--quantize', 'Q9'],
      2,
      /Allowed choices are F32/,
    ],
  ])('refuses %s in one line, and leaves all files as they are', async (_, args, code, line) => {
    const before = filesOf(folder);
    const outcome = await apply(...args);
    expect(outcome.code).toBe(code);
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(outcome.stderr).toMatch(line);
    expect(filesOf(folder)).toEqual(before);
  });
});
