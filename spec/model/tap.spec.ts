import { test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, DeviceTensor, Scope } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { formatBlock } from '../../src/model/blockId.ts';
import { blockTensorNames } from '../../src/model/blockTensors.ts';
import { Mask } from '../../src/model/mask.ts';
import type { Tap } from '../../src/model/tap.ts';
import { nextTokens, type Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import { someFamily, someMask, someSequences } from './modelArbitraries.ts';
import { onReference, onSimd } from './namedBackends.ts';
import { families, tinyTransformer } from './tinyTransformer.ts';

const LAYERS = 3;
const runs = { numRuns: 12 };

/** The stream after the last block, on the host. */
async function walked(model: Transformer, ids: readonly Int32Array[], mask: Mask, tap?: Tap): Promise<number[]> {
  const x = await model.walk(ids, mask, tap);
  const values = [...(await model.backend.download(x))];
  model.backend.free(x);
  return values;
}

for (const { name: on, missing, open } of [onReference, onSimd('relaxed-fma', 2), onSimd('plain', 1)]) {
  describe.skipIf(missing)(`a tap on ${on}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await open();
    });
    afterAll(() => backend.dispose());

    test.prop([someFamily, someMask(LAYERS), someSequences()], runs)(
      'changes no bit, and the walk it looks at is the one that nll takes',
      async (family, mask, ids) => {
        const { model } = await tinyTransformer({ family, layers: LAYERS, backend });
        const plain = await walked(model, ids, mask);
        const held = backend.bytesInUse();
        // A tap that computes in the scope and answers late.
        const busy = async (x: DeviceTensor, scope: Scope): Promise<void> => {
          const doubled = scope.add(x, x);
          await new Promise(setImmediate);
          await backend.download(doubled);
        };
        const tap: Tap = {
          block: (_, before, after, scope) => busy(scope.add(before, after), scope),
          input: (_, x, scope) => busy(x, scope),
        };
        expect(await walked(model, ids, mask, tap)).toEqual(plain);
        expect(backend.bytesInUse(), 'what a tap makes is freed').toBe(held);
        const [rows] = await model.headNll([await model.walk(ids, mask, tap)], nextTokens(ids));
        const nll = await model.nll(ids, mask);
        expect(ids.flatMap((_, at) => [...rows.subarray(at * ids[0].length, (at + 1) * ids[0].length - 1)])).toEqual(
          nll.flatMap((row) => [...row]),
        );
        model.free();
      },
    );
  });
}

test.prop([someFamily, someMask(LAYERS), someSequences()], runs)(
  'sees every block that runs, in walk order, before and after, and each projection under its name',
  async (family, mask, ids) => {
    const { model, source } = await tinyTransformer({ family, layers: LAYERS });
    const { backend, config } = model;
    const blocks: { name: string; before: number[]; after: number[] }[] = [];
    const inputs: { name: string; rows: number; cols: number }[] = [];
    const last = await walked(model, ids, mask, {
      async block(id, before, after) {
        const values = async (x: DeviceTensor): Promise<number[]> => [...(await backend.download(x))];
        blocks.push({ name: formatBlock(id), before: await values(before), after: await values(after) });
      },
      input: (name, { rows, cols }) => void inputs.push({ name, rows, cols }),
    });
    const walk = walkOf(config, mask);
    expect(blocks.map(({ name }) => name)).toEqual(walk.map(formatBlock));
    for (const [at, { before }] of blocks.entries()) if (at > 0) expect(before).toEqual(blocks[at - 1].after);
    if (blocks.length > 0) expect(blocks.at(-1)?.after).toEqual(last);
    const shapeOf = (name: string): readonly number[] => source.tensors.get(name)?.shape ?? [];
    const projections = walk.flatMap((id) => blockTensorNames(config, id)).filter((name) => shapeOf(name).length === 2);
    expect(inputs.map(({ name }) => name).toSorted()).toEqual(projections.toSorted());
    const rows = ids.length * ids[0].length;
    for (const input of inputs) expect(input).toEqual({ ...input, rows, cols: shapeOf(input.name)[1] });
  },
);

describe('the input of a projection', () => {
  it.each(families)('%s: times its weight is what the block computes with', async (family) => {
    const { model, source } = await tinyTransformer({ family, layers: 1 });
    const { backend } = model;
    const name = family === 'gpt2' ? 'transformer.h.0.mlp.c_proj' : 'model.layers.0.mlp.down_proj';
    const weight = await source.tensor(`${name}.weight`);
    const bias = source.tensors.has(`${name}.bias`) ? await source.tensor(`${name}.bias`) : null;
    const [out, inn] = source.tensors.get(`${name}.weight`)?.shape ?? [];
    const packed = backend.packLinear(weight, out, inn, bias);
    let product: number[] = [];
    let added: number[] = [];
    await walked(model, [Int32Array.of(3, 1, 4)], Mask.empty, {
      async input(tensor, x, scope) {
        if (tensor === `${name}.weight`) product = [...(await backend.download(scope.linear(x, packed)))];
      },
      async block({ kind }, before, after) {
        const [from, to] = [await backend.download(before), await backend.download(after)];
        if (kind === 'mlp') added = Array.from(to, (value, at) => value - from[at]);
      },
    });
    for (const [at, value] of product.entries()) expect(value).toBeCloseTo(added[at], 5);
    expect(product).toHaveLength(3 * model.config.hiddenSize);
  });
});

describe('a tap that fails', () => {
  it('does so only when the others are done with their arrays', async () => {
    const { model } = await tinyTransformer();
    const { backend } = model;
    const sums: number[] = [];
    const tap: Tap = {
      async input(name, x) {
        await new Promise(setImmediate);
        if (name.endsWith('q_proj.weight')) throw new Error('no more');
        // Two turns later than the failure.
        for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
        sums.push((await backend.download(x)).reduce((sum, value) => sum + Math.abs(value), 0));
      },
    };
    await expect(model.walk([Int32Array.of(1, 2)], Mask.empty, tap)).rejects.toThrow('no more');
    // k, v and the output.
    expect(sums).toHaveLength(3);
    for (const sum of sums) expect(sum).toBeGreaterThan(0);
    model.free();
    expect(backend.bytesInUse()).toBe(0);
  });

  const faults: Record<string, Tap> = {
    'at a block': { block: () => Promise.reject(new Error('no more')) },
    'at an input, at once': {
      input() {
        throw new Error('no more');
      },
    },
    'at an input, later, while others are under way': {
      async input(name) {
        await new Promise(setImmediate);
        if (/up_proj|c_fc/.test(name)) throw new Error('no more');
      },
    },
  };
  it.each(Object.entries(faults))('%s: fails the walk and leaves nothing behind', async (_, tap) => {
    for (const family of families) {
      const backend = referenceBackend();
      const { model } = await tinyTransformer({ family, backend });
      await walked(model, [Int32Array.of(1, 2)], Mask.empty);
      const held = backend.bytesInUse();
      await expect(model.walk([Int32Array.of(1, 2)], Mask.empty, tap)).rejects.toThrow('no more');
      expect(backend.bytesInUse()).toBe(held);
      model.free();
      expect(backend.bytesInUse()).toBe(0);
    }
  });
});
