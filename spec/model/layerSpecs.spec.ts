/** Models whose layers are not all alike: blocks that are not there, and narrower ones. */
import { createHash } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { MaskError, ShapeError } from '../../src/errors.ts';
import { openGgufWeights } from '../../src/formats/gguf/weightSource.ts';
import { serializeGguf } from '../../src/formats/gguf/write.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { parseBlock, requireBlock, walkIndex, walkPlaces, type BlockId } from '../../src/model/blockId.ts';
import { blockTensorNames } from '../../src/model/blockTensors.ts';
import { configFields, configIdentity, mhaSpec, mlpSpec, type LayerSpec } from '../../src/model/config.ts';
import { continueSequence } from '../../src/model/continueSequence.ts';
import { KvCache } from '../../src/model/kvCache.ts';
import { Mask } from '../../src/model/mask.ts';
import { countParameters } from '../../src/model/parameters.ts';
import { mlpTensorNames } from '../../src/model/tensorNames.ts';
import { tensorShapes } from '../../src/model/tensorShapes.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { memoryBytes } from '../../src/platform/memoryBytes.ts';
import { candidatesLeft, checkStopRules } from '../../src/prune/candidates.ts';
import { ratios } from '../../src/prune/ratios.ts';
import { plainForward } from '../../tiny-models/plainForward.ts';
import { tinyModel } from '../formats/gguf/fixtures.ts';
import { forward } from './forward.ts';
import { layersOf } from './layers.ts';
import { someBlocks, someFamily, someMask, someSequences } from './modelArbitraries.ts';
import { families, tinySource, TINY_VOCAB } from './tinyTransformer.ts';

const LAYERS = 3;
const runs = { numRuns: 15 };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The same weights under a config without these blocks. Their tensors are not listed. */
function without(source: WeightSource, gone: readonly BlockId[]): WeightSource {
  const layers = source.config.layers.map((spec, layer): LayerSpec => {
    const has = (kind: 'mha' | 'mlp'): boolean => !gone.some((block) => block.layer === layer && block.kind === kind);
    return { mha: has('mha') ? spec.mha : null, mlp: has('mlp') ? spec.mlp : null };
  });
  const config = { ...source.config, layers };
  const lost = new Set(gone.flatMap((id) => blockTensorNames(source.config, id)));
  const tensors = new Map([...source.tensors].filter(([name]) => !lost.has(name)));
  const tensor = (name: string): Promise<Float32Array> => {
    if (lost.has(name)) throw new Error(`${name} was asked for`);
    return source.tensor(name);
  };
  return { ...source, config, tensors, tensor, rows: source.rows.bind(source) };
}

/** The same with the MLP of one layer cut to `width` hidden numbers, the first ones. */
function narrowed(source: WeightSource, layer: number, width: number): WeightSource {
  const layers = source.config.layers.with(layer, {
    ...source.config.layers[layer],
    mlp: { intermediateSize: width },
  });
  const config = { ...source.config, layers };
  const shapes = tensorShapes(config);
  const tensors = new Map(
    [...source.tensors].map(([name, info]) => [name, { ...info, shape: shapes.get(name) ?? info.shape }]),
  );
  const tensor = async (name: string): Promise<Float32Array> => {
    const whole = await source.tensor(name);
    const [rows, cols = 1] = tensors.get(name)?.shape ?? [];
    const inn = source.tensors.get(name)?.shape[1] ?? 1;
    return Float32Array.from({ length: rows * cols }, (_, at) => whole[Math.floor(at / cols) * inn + (at % cols)]);
  };
  return { ...source, config, tensors, tensor, rows: source.rows.bind(source) };
}

async function load(source: WeightSource): Promise<Transformer> {
  return Transformer.load(source, referenceBackend(), 2 ** 24);
}

test.prop([someFamily, someBlocks(LAYERS), someMask(LAYERS), someSequences()], runs)(
  'a model without some blocks is the whole model with them masked, bit for bit',
  async (family, gone, mask, ids) => {
    const source = await tinySource({ family, layers: LAYERS });
    const [whole, cut] = [await load(source), await load(without(source, gone))];
    const rest = Mask.of(mask.blocks.filter((block) => !Mask.of(gone).has(block)));
    const all = rest.with(gone);
    expect(await cut.nll(ids, rest)).toEqual(await whole.nll(ids, all));
    expect(walkOf(cut.config, rest)).toEqual(walkOf(whole.config, all));
    const counts = { whole: countParameters(source), cut: countParameters(cut.source) };
    const lost = gone.reduce((sum, { layer, kind }) => sum + (counts.whole.byBlock.get(`L${layer}.${kind}`) ?? 0), 0);
    expect(counts.cut.total).toBe(counts.whole.total - lost);
    expect(counts.cut.blocks).toBe(counts.whole.blocks - lost);
    expect([...counts.cut.byBlock.keys()]).toHaveLength(2 * LAYERS - gone.length);
    if (counts.cut.blocks > 0)
      expect(ratios(counts.cut, rest).blocks).toBeCloseTo(
        rest.blocks.reduce((sum, { layer, kind }) => sum + (counts.cut.byBlock.get(`L${layer}.${kind}`) ?? 0), 0) /
          counts.cut.blocks,
      );
  },
);

test.prop([someFamily, someBlocks(LAYERS), someSequences({ minLength: 1, maxLength: 9 }, 1)], runs)(
  'and it is continued token by token to the logits of a full pass, with slots for the MHA it has',
  async (family, gone, ids) => {
    const model = await load(without(await tinySource({ family, layers: LAYERS }), gone));
    const want = await forward(model, ids, Mask.empty);
    const cache = new KvCache(model.backend, model.config, Mask.empty, ids[0].length);
    expect(cache.slots).toBe(LAYERS - gone.filter(({ kind }) => kind === 'mha').length);
    for (const [at, id] of ids[0].entries()) {
      expect(await continueSequence(model, Int32Array.of(id), Mask.empty, cache)).toEqual(want[at]);
    }
    for (const { layer, kind } of gone) if (kind === 'mha') expect(() => cache.slot(layer)).toThrow(ShapeError);
  },
);

test.prop([someFamily, fc.nat(LAYERS - 1), fc.integer({ min: 1, max: 24 }), someSequences()], runs)(
  'a model with one narrower MLP computes what a plain forward pass does',
  async (family, layer, width, ids) => {
    const model = await load(narrowed(await tinySource({ family, layers: LAYERS }), layer, width));
    const shapes = tensorShapes(model.config);
    for (let at = 0; at < LAYERS; at++) {
      const { up, down } = mlpTensorNames(model.config, at);
      const hidden = at === layer ? width : 24;
      expect(shapes.get(up.weight)).toEqual([hidden, 16]);
      expect(shapes.get(down.weight)).toEqual([16, hidden]);
    }
    for (const [at, nll] of (await model.nll(ids, Mask.empty)).entries()) {
      const want = await plainForward(model.source, ids[at], Mask.empty);
      for (const [t, value] of nll.entries()) expect(value).toBeCloseTo(want.nll[t], 4);
    }
  },
);

describe('a block that the model does not have', () => {
  const [first, second, third] = layersOf(3).layers;
  const model = { layers: [first, { ...second, mha: null }, { ...third, mlp: null }] };

  it('is named by the error, wherever it is asked for', () => {
    for (const name of ['L1.mha', 'L2.mlp']) {
      const block = parseBlock(name, 3);
      const refuses = (use: () => unknown): void => {
        expect(use).toThrow(MaskError);
        expect(use).toThrow(`'${name}' does not exist`);
      };
      refuses(() => requireBlock(model, block));
      refuses(() => Mask.parse(`L0.mha,${name}`, model));
      refuses(() => walkOf(model, Mask.of([block])));
    }
    expect(() => mhaSpec(model, 1)).toThrow(/no block L1.mha/);
    expect(() => mlpSpec(model, 2)).toThrow(/no block L2.mlp/);
    expect(() => mlpSpec(model, 3)).toThrow(ShapeError);
    expect(Mask.parse('L1.mlp,L2.mha', model).size).toBe(2);
  });

  it('keeps its place in the walk, so that the others keep theirs', () => {
    expect(walkOf(model).map(walkIndex)).toEqual([0, 1, 3, 4]);
    expect(walkPlaces(model)).toBe(6);
  });

  it('is not a candidate, nor is its layer, and is not counted by stop rules', () => {
    const names = (kind: 'mix' | 'mha' | 'mlp' | 'layer'): string[] =>
      candidatesLeft(kind, model, Mask.empty).map(({ name }) => name);
    expect(names('mix')).toEqual(['L0.mha', 'L2.mha', 'L0.mlp', 'L1.mlp']);
    expect(names('mha')).toEqual(['L0.mha', 'L2.mha']);
    expect(names('mlp')).toEqual(['L0.mlp', 'L1.mlp']);
    expect(names('layer')).toEqual(['L0.mha,L0.mlp']);
    for (const [kind, most] of [
      ['mix', 4],
      ['mha', 2],
      ['mlp', 2],
      ['layer', 2],
    ] as const) {
      checkStopRules({ blocks: most }, kind, model);
      expect(() => checkStopRules({ blocks: most + 1 }, kind, model)).toThrow(`has ${most} `);
    }
  });
});

describe('what a journal hashes of a config', () => {
  // Taken before layers had shapes of their own, from JSON.stringify of the config of that time.
  it.each([
    ['planted', '0cd793b6e59beb3e6be91451e4635cd94aa57d6485d0b212236d0993d2f1f195'],
    ['shakespeare', 'defa68b5392f677e05924dce032d4fa56e82d34521d25984b517bfadfcc955eb'],
    ['sorter', '6596702e6503c3e3d72eb3e8a3872e1ed6d446f2cc7eb717149f29e6883f46fb'],
    ['verses', '701a10dc1c5882300a43843540e15e84c88b326e5ebca78920e3a412ceec3394'],
  ])('tiny-models/%s: is what it was', async (name, hash) => {
    const { weights, close } = await openModel(`tiny-models/${name}`);
    expect(sha256(configIdentity(weights.config))).toBe(hash);
    await close();
  });

  it.each([
    ['llama', '10632e9efcc5b93f3b472845a6257dcb5a84e7c846545ee31cf0f0b355e1af70'],
    ['mistral', '392a51a8145843b3fca8102a40d7c3ef387f433d429f8be1c421e2ddea6ceb7a'],
    ['qwen2', '125a8a561cb0d093e5ed58c4833c502ee37b4d91c29462f16e3f29373fe5e39d'],
    ['qwen3', '93742448d01d000e53e0f03ba6675cd5d10ae30cccfe69fc92eb4269e0e3495d'],
    ['gpt2', '3ca4e517ff088a39981db3d1780c118ba1d378eda4c7f0c390360e8af474e25a'],
  ] as const)('%s of a Hugging Face folder: is what it was', async (family, hash) => {
    expect(sha256(configIdentity((await tinySource({ family, layers: 3 })).config))).toBe(hash);
  });

  it('a window of the upper layers: is what it was', async () => {
    const config = { use_sliding_window: true, sliding_window: 7, max_window_layers: 1 };
    const source = await tinySource({ family: 'qwen2', layers: 3, config });
    expect(sha256(configIdentity(source.config))).toBe(
      '2767c2ec5e2cc2f86468265eb3ed160730e878d16edb2b066de3c9c20b206199',
    );
  });

  it.each([
    ['llama', '6454e1667fa761f85714ccbd11e28705bc033bf335548df8bb82861dd44f3815'],
    ['qwen2', '115475e676d996a1e412d82901b0116e8869bf63b9b71e5e986cfb4d70b75fe9'],
    ['qwen3', '41eb3b624f2968131d153242bc8d326bec76f6127ab4b579e1087da60a86dd25'],
    ['gpt2', '393864666a871a91a2795aa1581df8ede4098de1525e97020f03e641700c62c8'],
  ] as const)('%s of a GGUF file: is what it was', async (arch, hash) => {
    const { weights } = await openGgufWeights(memoryBytes('x.gguf', serializeGguf(tinyModel(arch))));
    expect(sha256(configIdentity(weights.config))).toBe(hash);
  });

  test.prop([someFamily, someBlocks(LAYERS), someBlocks(LAYERS)], runs)(
    'tells models apart that differ in one block',
    async (family, a, b) => {
      const source = await tinySource({ family, layers: LAYERS });
      const identity = (gone: readonly BlockId[]): string => configIdentity(without(source, gone).config);
      const same = Mask.of(a).size === Mask.of(b).size && a.every((block) => Mask.of(b).has(block));
      expect(identity(a) === identity(b)).toBe(same);
      expect('layers' in configFields(without(source, a).config)).toBe(a.length > 0);
    },
  );

  it.each(families)('%s: tells models apart whose heads, key heads or widths differ in one layer', async (family) => {
    const { config } = await tinySource({ family, layers: 2 });
    const [{ mha, mlp }] = config.layers;
    const others: LayerSpec[] = [
      { mha: mha && { ...mha, heads: mha.heads + 2 }, mlp },
      { mha: mha && { ...mha, kvHeads: 1 }, mlp },
      { mha: mha && { ...mha, window: 3 }, mlp },
      { mha, mlp: mlp && { intermediateSize: mlp.intermediateSize + 1 } },
    ];
    const texts = [config.layers[1], ...others].map((spec) => {
      return configIdentity({ ...config, layers: [config.layers[0], spec] });
    });
    expect(new Set(texts).size).toBe(texts.length);
    expect(TINY_VOCAB).toBe(config.vocabSize);
  });
});
