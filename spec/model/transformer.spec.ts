import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { DataError, MemoryBudgetError } from '../../src/errors.ts';
import type { TensorToWrite } from '../../src/formats/safetensors/write.ts';
import type { FamilyName } from '../../src/model/config.ts';
import { continueSequence } from '../../src/model/continueSequence.ts';
import { KvCache } from '../../src/model/kvCache.ts';
import { Mask } from '../../src/model/mask.ts';
import { nextTokens, Transformer } from '../../src/model/transformer.ts';
import { seeds } from '../arbitraries.ts';
import { watchReads } from '../prune/tinySearch.ts';
import { forward } from './forward.ts';
import { someFamily, someMask, someSequences } from './modelArbitraries.ts';
import { onReference, onSimd } from './namedBackends.ts';
import { families, TINY_CONTEXT, TINY_VOCAB, tinySource, tinyTransformer } from './tinyTransformer.ts';
import { watchOps } from './watchOps.ts';

const LAYERS = 3;
const runs = { numRuns: 12 };
const sequence = (length: number, seed = 0): Int32Array =>
  Int32Array.from({ length }, (_, index) => (index * 11 + seed * 5) % TINY_VOCAB);

/** The tensors of a tiny model by name. */
async function tensorsOf(options: Parameters<typeof tinySource>[0]): Promise<Map<string, TensorToWrite>> {
  let seen = new Map<string, TensorToWrite>();
  await tinySource({ ...options, edit: (tensors) => (seen = new Map(tensors)) });
  return seen;
}

/** Sets all values of the tensors whose name matches. */
function fill(tensors: Map<string, TensorToWrite>, names: RegExp, value: number): void {
  for (const [name, { data }] of tensors) if (names.test(name)) data.fill(value);
}

for (const { name: on, missing, open } of [onReference, onSimd('relaxed-fma', 2), onSimd('plain', 1)]) {
  describe.skipIf(missing)(`on ${on}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await open();
    });
    afterAll(() => backend.dispose());

    test.prop([someFamily, someMask(LAYERS), someSequences(), fc.nat(), fc.nat(TINY_VOCAB - 1)], runs)(
      'does not see the future: another token t leaves every logit before t bit-equal',
      async (family, mask, ids, some, token) => {
        const { model } = await tinyTransformer({ family, layers: LAYERS, backend });
        const t = some % ids[0].length;
        const changed = ids.map((row) => row.with(t, token));
        const before = await forward(model, ids, mask);
        const after = await forward(model, changed, mask);
        for (const row of before.keys()) if (row % ids[0].length < t) expect(after[row]).toEqual(before[row]);
        model.free();
      },
    );

    test.prop([someMask(LAYERS), fc.integer({ min: 1, max: 4 }), fc.nat(3), fc.nat(TINY_VOCAB - 1)], runs)(
      'under a sliding window each surviving MHA sees window − 1 positions further back, and no further',
      async (mask, window, t, token) => {
        const ids = sequence(20);
        fc.pre(ids[t] !== token);
        const config = { sliding_window: window };
        const { model } = await tinyTransformer({ family: 'mistral', layers: LAYERS, backend, config });
        const attentions = LAYERS - mask.blocks.filter(({ kind }) => kind === 'mha').length;
        const before = await forward(model, [ids], mask);
        const after = await forward(model, [ids.with(t, token)], mask);
        const last = t + attentions * (window - 1);
        for (const row of before.keys()) {
          if (row < t || row > last) expect(after[row]).toEqual(before[row]);
        }
        expect(after[t]).not.toEqual(before[t]);
        if (attentions === 1) expect(after[last]).not.toEqual(before[last]);
        model.free();
      },
    );

    test.prop([someFamily, someMask(LAYERS), someSequences()], runs)(
      'scores stacked sequences as each alone, bit for bit',
      async (family, mask, ids) => {
        const { model } = await tinyTransformer({ family, layers: LAYERS, backend });
        const alone = [];
        for (const row of ids) alone.push(...(await model.nll([row], mask)));
        expect(await model.nll(ids, mask)).toEqual(alone);
        expect(await model.nll(ids.toReversed(), mask)).toEqual(alone.toReversed());
        model.free();
      },
    );

    test.prop([someFamily, someMask(LAYERS), fc.nat(LAYERS - 1), someSequences()], runs)(
      'a layer with both blocks masked is a layer that is not there',
      async (family, mask, layer, ids) => {
        const whole = await tinyTransformer({ family, layers: LAYERS, backend });
        const tensors = await tensorsOf({ family, layers: LAYERS });
        const shorter = await tinyTransformer({
          family,
          layers: LAYERS - 1,
          backend,
          edit(own) {
            for (const name of own.keys()) {
              const from = name.replace(/(\.layers|\.h)\.(\d+)\./, (_, prefix: string, index: string) => {
                return `${prefix}.${Number(index) + (Number(index) >= layer ? 1 : 0)}.`;
              });
              const tensor = tensors.get(from);
              if (tensor !== undefined) own.set(name, tensor);
            }
          },
        });
        const others = mask.blocks.filter((block) => block.layer !== layer);
        const masked = Mask.of([...others, { layer, kind: 'mlp' }, { layer, kind: 'mha' }]);
        const moved = Mask.of(
          others.map((block) => ({ ...block, layer: block.layer - (block.layer > layer ? 1 : 0) })),
        );
        expect(await whole.model.nll(ids, masked)).toEqual(await shorter.model.nll(ids, moved));
        whole.model.free();
        shorter.model.free();
      },
    );

    test.prop([someFamily, someMask(LAYERS), someSequences(), seeds], runs)(
      'a block whose last projection is zero is a masked block, bit for bit',
      async (family, mask, ids, seed) => {
        const output = { mha: '(o_proj|attn\\.c_proj)', mlp: '(down_proj|mlp\\.c_proj)' };
        const silent = await tinyTransformer({
          family,
          layers: LAYERS,
          seed,
          backend,
          edit(tensors) {
            for (const { layer, kind } of mask.blocks) fill(tensors, new RegExp(`\\.${layer}\\..*${output[kind]}`), 0);
          },
        });
        expect(await silent.model.nll(ids, Mask.empty)).toEqual(await silent.model.nll(ids, mask));
        silent.model.free();
      },
    );

    test.prop([fc.constantFrom('llama', 'mistral', 'qwen2', 'qwen3'), someMask(LAYERS), someSequences()], runs)(
      'grouped key and value heads equal as many heads of their own, each repeated',
      async (family, mask, ids) => {
        const grouped = await tinyTransformer({ family, layers: LAYERS, backend });
        const tensors = await tensorsOf({ family, layers: LAYERS });
        const repeated = await tinyTransformer({
          family,
          layers: LAYERS,
          backend,
          config: { num_key_value_heads: 4 },
          edit(own) {
            for (const [name, tensor] of tensors) {
              own.set(name, /\.[kv]_proj\./.test(name) ? repeatHeads(tensor, 2, 6) : tensor);
            }
          },
        });
        expect(await repeated.model.nll(ids, mask)).toEqual(await grouped.model.nll(ids, mask));
        grouped.model.free();
        repeated.model.free();
      },
    );

    test.prop([someFamily, someMask(LAYERS), someSequences()], runs)(
      'equal logits are ln V nats each',
      async (family, mask, ids) => {
        const edit = (tensors: Map<string, TensorToWrite>): void => fill(tensors, /lm_head|ln_f/, 0);
        const { model } = await tinyTransformer({ family, layers: LAYERS, backend, edit });
        for (const nll of (await model.nll(ids, mask)).flatMap((row) => [...row])) {
          expect(nll).toBeCloseTo(Math.log(TINY_VOCAB), 5);
        }
        model.free();
      },
    );

    test.prop([someFamily, someMask(LAYERS), someSequences(), fc.constantFrom(1, 30, 1000)], runs)(
      'no NLL is below 0, however sure the model is',
      async (family, mask, ids, sureness) => {
        const edit = (tensors: Map<string, TensorToWrite>): void => {
          for (const [name, { data }] of tensors) {
            if (/lm_head|ln_f\.weight/.test(name)) for (const index of data.keys()) data[index] *= sureness;
          }
        };
        const { model } = await tinyTransformer({ family, layers: LAYERS, backend, edit });
        for (const row of await model.nll(ids, mask)) for (const nll of row) expect(nll).toBeGreaterThanOrEqual(0);
        model.free();
      },
    );

    it.each([4096, 4097, 9000])('a vocabulary of %i, taken in tiles, is scored as by its logits', async (vocab) => {
      const { model } = await tinyTransformer({ layers: 1, backend, config: { vocab_size: vocab } });
      const ids = [Int32Array.of(1, 4095, vocab - 1, 0, Math.min(4096, vocab - 1), vocab - 2)];
      const [nll] = await model.nll(ids, Mask.empty);
      const logits = await forward(model, ids, Mask.empty);
      for (const [row, ours] of nll.entries()) {
        const sum = logits[row].reduce((total, logit) => total + Math.exp(logit), 0);
        expect(ours).toBeCloseTo(Math.log(sum) - logits[row][ids[0][row + 1]], 4);
      }
      model.free();
    });

    test.prop([someFamily, fc.nat(), someMask(LAYERS), seeds], runs)(
      'gives the same bits under any weight budget that holds the largest piece, and stays in it',
      async (family, spare, mask, seed) => {
        const roomy = await tinyTransformer({ family, layers: LAYERS, seed, backend });
        const least = largestPiece(roomy.source.tensors);
        const tight = await tinyTransformer({
          family,
          layers: LAYERS,
          seed,
          backend,
          weightBytes: least + (spare % 20_000),
        });
        const ids = [sequence(7), sequence(7, 1)];
        const want = await roomy.model.nll(ids, mask);
        for (let again = 0; again < 2; again++) expect(await tight.model.nll(ids, mask)).toEqual(want);
        roomy.model.free();
        tight.model.free();
      },
    );

    it.each(families)('%s: everything is freed, even after input that is refused', async (family) => {
      const held = backend.bytesInUse();
      const { model } = await tinyTransformer({ family, backend });
      await model.nll([sequence(9), sequence(9, 3)], Mask.empty);
      await forward(model, [sequence(20)], Mask.of([{ layer: 1, kind: 'mha' }]));
      await expect(model.nll([Int32Array.of(1, TINY_VOCAB)], Mask.empty)).rejects.toThrow(DataError);
      model.free();
      expect(backend.bytesInUse()).toBe(held);
    });
  });
}

/**
 * Bytes of the largest block or of the head: names of a block's tensors share a prefix up to `mlp`
 * or `self_attn`.
 */
function largestPiece(tensors: ReadonlyMap<string, { shape: readonly number[] }>): number {
  const bytes = new Map<string, number>();
  for (const [name, { shape }] of tensors) {
    const layer = /\.(?:layers|h)\.(\d+)\./.exec(name)?.[1];
    if (layer === undefined && !/lm_head|wte/.test(name)) continue;
    const kind = /mlp|post_attention|ln_2/.test(name) ? 'mlp' : 'mha';
    const piece = layer === undefined ? 'head' : `${layer} ${kind}`;
    bytes.set(piece, (bytes.get(piece) ?? 0) + 4 * shape.reduce((product, size) => product * size, 1));
  }
  return Math.max(...bytes.values());
}

/** Each head's rows of a projection (or entries of its bias), `times` times in a row. */
function repeatHeads(tensor: TensorToWrite, times: number, headDim: number): TensorToWrite {
  const [rows, ...rest] = tensor.shape;
  const headSize = headDim * (tensor.data.length / rows);
  const data: number[] = [];
  for (let at = 0; at < tensor.data.length; at += headSize) {
    for (let time = 0; time < times; time++) data.push(...tensor.data.subarray(at, at + headSize));
  }
  return { ...tensor, shape: [rows * times, ...rest], data: Float32Array.from(data) };
}

describe.each(['reads', 'ops'] as const)('a pass of which one of the %s fails', (what) => {
  /** Runs a pass whose read or op `at` fails; whether there was one. Nothing may be left of it. */
  async function failsAt(at: number, family: FamilyName, pass: 'nll' | 'continueSequence'): Promise<boolean> {
    let left = Infinity;
    const fail = (): void => {
      if (left-- <= 0) throw new Error('gone');
    };
    // Two tiles of the head: when the second one fails, there are sums of the first.
    const tiny = await tinySource({ family, layers: 1, config: { vocab_size: 4100 } });
    const source = watchReads(tiny, () => void (what === 'reads' && fail()));
    const inner = referenceBackend();
    const backend = watchOps(inner, () => void (what === 'ops' && fail()));
    const model = await Transformer.load(source, backend, 2 ** 24);
    const cache = new KvCache(backend, model.config, Mask.empty, 20);
    left = at;
    const ids = sequence(6);
    const run = pass === 'nll' ? model.nll([ids, ids], Mask.empty) : continueSequence(model, ids, Mask.empty, cache);
    const failed = await run.then(
      () => false,
      () => true,
    );
    expect(failed).toBe(left < 0);
    cache.free();
    model.free();
    expect(inner.bytesInUse(), `${what} ${at}`).toBe(0);
    return failed;
  }

  it.each([
    ['qwen3', 'nll'],
    ['qwen3', 'continueSequence'],
    ['gpt2', 'nll'],
    ['gpt2', 'continueSequence'],
  ] as const)('%s, %s: gives its memory back, whichever it is', async (family, pass) => {
    let at = 0;
    while (await failsAt(at, family, pass)) at++;
    expect(at).toBeGreaterThan(5);
  });
});

describe('what is refused', () => {
  it.each([-1, TINY_VOCAB, 2 ** 31 - 1])('id %i, outside the vocabulary', async (id) => {
    const { model } = await tinyTransformer();
    await expect(model.nll([Int32Array.of(1, id, 2)], Mask.empty)).rejects.toThrow(DataError);
    await expect(model.nll([Int32Array.of(1, id, 2)], Mask.empty)).rejects.toThrow(`${id}`);
  });

  it('positions beyond a learned table, not beyond a rotary context', async () => {
    const gpt2 = (await tinyTransformer({ family: 'gpt2' })).model;
    const llama = (await tinyTransformer()).model;
    expect(await gpt2.nll([sequence(TINY_CONTEXT)], Mask.empty)).toHaveLength(1);
    await expect(gpt2.nll([sequence(TINY_CONTEXT + 1)], Mask.empty)).rejects.toThrow(/position 64.*64 learned/);
    await expect(gpt2.nll([sequence(TINY_CONTEXT + 1)], Mask.empty)).rejects.toThrow(DataError);
    expect((await llama.nll([sequence(TINY_CONTEXT + 1)], Mask.empty))[0]).toHaveLength(TINY_CONTEXT);
  });

  it.each(families)('%s: a weight budget one byte below the largest piece', async (family) => {
    const least = largestPiece((await tinySource({ family })).tensors);
    await tinyTransformer({ family, weightBytes: least });
    await expect(tinyTransformer({ family, weightBytes: least - 1 })).rejects.toThrow(MemoryBudgetError);
  });
});

describe('weights in memory', () => {
  test.prop([someFamily, fc.nat(20_000)], runs)('never hold more than the budget', async (family, spare) => {
    const backend = referenceBackend();
    const least = largestPiece((await tinySource({ family, layers: LAYERS })).tensors);
    const { model } = await tinyTransformer({ family, layers: LAYERS, backend, weightBytes: least + spare });
    const norm = backend.bytesInUse();
    await model.nll([sequence(5)], Mask.empty);
    // Between calls only weights, the final norm and the tables of cos and sin (5 positions, 2 ·
    // D/2) are held.
    expect(backend.bytesInUse()).toBeLessThanOrEqual(norm + least + spare + 5 * 6 * 4);
    model.free();
    expect(backend.bytesInUse()).toBe(0);
  });
});

test.prop([someSequences()])('nextTokens: each row’s successor in its own sequence, −1 at the end', (ids) => {
  expect([...nextTokens(ids)]).toEqual(ids.flatMap((row) => [...row.slice(1), -1]));
});
