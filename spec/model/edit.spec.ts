import { createHash } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { MaskError, NotFoundError, ShapeError } from '../../src/errors.ts';
import type { TensorToWrite } from '../../src/formats/safetensors/write.ts';
import { blockTensorNames } from '../../src/model/blockTensors.ts';
import type { LayerSpec } from '../../src/model/config.ts';
import { edited, type Edit, type NewLayer } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import { modelTensorNames } from '../../src/model/tensorNames.ts';
import { blockShapes, tensorShapes } from '../../src/model/tensorShapes.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { plainForward } from '../../tiny-models/plainForward.ts';
import { drawArray } from '../arbitraries.ts';
import { watchReads } from '../prune/tinySearch.ts';
import { someBlocks, someFamily, someMask, someSequences } from './modelArbitraries.ts';
import { onReference, onSimd } from './namedBackends.ts';
import { families, tinySource, tinyTransformer } from './tinyTransformer.ts';

const LAYERS = 3;
const runs = { numRuns: 12 };
const ids = [Int32Array.of(3, 1, 4, 1, 5, 9)];

/** The source's tensor, each number times `factor`. */
function scaled(tensor: string, factor: number): Edit {
  return {
    type: 'rewrite',
    tensor,
    values: async (old) => (await old.tensor(tensor)).map((value) => factor * value),
  };
}

function hashOf(source: WeightSource): Promise<string> {
  const hash = createHash('sha256');
  return source.contentHash({ update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') });
}

/** All tensors by name. */
async function valuesOf(source: WeightSource): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const name of source.tensors.keys()) values.set(name, await source.tensor(name));
  return values;
}

/** A random layer of a shape, with weights that keep streams finite. */
function randomLayer(source: WeightSource, spec: LayerSpec, layer: number, layers: number, seed: number): NewLayer {
  const places = Array.from({ length: layers }, (_, at) => (at === layer ? spec : { mha: null, mlp: null }));
  const config = { ...source.config, layers: places };
  const shapes = walkOf(config).flatMap((id) => [...blockShapes(config, id)]);
  const rng = seededRng(seed);
  const draw = (shape: readonly number[]): Float32Array =>
    drawArray(
      rng,
      shape.reduce((a, b) => a * b, 1),
    ).map((value) => value / 4);
  return { spec, weights: new Map(shapes.map(([name, shape]) => [name, draw(shape)])) };
}

const someLayers = fc.array(fc.nat(LAYERS - 1), { maxLength: 5 });

for (const { name: on, missing, open } of [onReference, onSimd('relaxed-fma', 2), onSimd('plain', 1)]) {
  describe.skipIf(missing)(`an edited model on ${on}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await open();
    });
    afterAll(() => backend.dispose());

    async function nll(source: WeightSource, sequences: readonly Int32Array[], mask: Mask): Promise<Float32Array[]> {
      const model = await Transformer.load(source, backend, 2 ** 24);
      try {
        return await model.nll(sequences, mask);
      } finally {
        model.free();
      }
    }

    test.prop([someFamily, someBlocks(LAYERS), someMask(LAYERS), someSequences()], runs)(
      'with blocks removed is the model under the mask, bit for bit',
      async (family, blocks, mask, sequences) => {
        const source = await tinySource({ family, layers: LAYERS });
        const rest = Mask.of(mask.blocks.filter((block) => !Mask.of(blocks).has(block)));
        const cut = edited(source, [{ type: 'remove', blocks }]);
        expect(await nll(cut, sequences, rest)).toEqual(await nll(source, sequences, rest.with(blocks)));
      },
    );

    test.prop([someFamily, someLayers, someSequences()], runs)(
      'with layers dropped, repeated and in another order is the plain model built so',
      async (family, order, sequences) => {
        const source = await tinySource({ family, layers: LAYERS });
        const stored = new Map<string, TensorToWrite>();
        await tinySource({
          family,
          layers: LAYERS,
          edit: (own) => own.forEach((tensor, name) => stored.set(name, tensor)),
        });
        const layered = edited(source, [{ type: 'relayer', layers: order }]);
        if (order.length === 0) {
          expect(walkOf(layered.config)).toEqual([]);
          return;
        }
        const plain = await tinySource({
          family,
          layers: order.length,
          edit(own) {
            for (const name of own.keys()) {
              const from = name.replace(/(\.layers|\.h)\.(\d+)\./, (_, prefix: string, at: string) => {
                return `${prefix}.${order[Number(at)]}.`;
              });
              own.set(name, stored.get(from) ?? { shape: [], dtype: 'F32', data: new Float32Array() });
            }
          },
        });
        expect([...layered.tensors]).toEqual([...plain.tensors]);
        expect(layered.config).toEqual(plain.config);
        expect(await nll(layered, sequences, Mask.empty)).toEqual(await nll(plain, sequences, Mask.empty));
      },
    );

    test.prop([someFamily, fc.nat(), fc.constantFrom(0.5, -1, 3), someSequences()], runs)(
      'with a tensor rewritten is the plain model with that tensor, bit for bit',
      async (family, some, factor, sequences) => {
        const source = await tinySource({ family, layers: LAYERS });
        const names = [...source.tensors.keys()];
        const name = names[some % names.length];
        const plain = await tinySource({
          family,
          layers: LAYERS,
          edit(own) {
            const tensor = own.get(name);
            if (tensor !== undefined) own.set(name, { ...tensor, data: tensor.data.map((value) => factor * value) });
          },
        });
        const view = edited(source, [scaled(name, factor)]);
        expect(await valuesOf(view)).toEqual(await valuesOf(plain));
        expect(await nll(view, sequences, Mask.empty)).toEqual(await nll(plain, sequences, Mask.empty));
      },
    );
  });
}

describe('edits one after the other', () => {
  test.prop([someFamily, someBlocks(LAYERS), someLayers, fc.constantFrom(0.5, 2)], runs)(
    'in one call or in several are the same model, with the same hash',
    async (family, blocks, order, factor) => {
      const source = await tinySource({ family, layers: LAYERS });
      const name = modelTensorNames(source.config).embedding;
      const edits: Edit[] = [{ type: 'remove', blocks }, scaled(name, factor), { type: 'relayer', layers: order }];
      const once = edited(source, edits);
      const stepwise = edits.reduce((base, edit) => edited(base, [edit]), source);
      expect(once.config).toEqual(stepwise.config);
      expect(await valuesOf(once)).toEqual(await valuesOf(stepwise));
      expect(await hashOf(once)).toBe(await hashOf(stepwise));
    },
  );

  it('none at all is the model itself', async () => {
    const source = await tinySource();
    expect(edited(source, [])).toBe(source);
  });

  it('a rewrite sees what was done before it, and what comes after sees the rewrite', async () => {
    const source = await tinySource();
    const name = 'model.layers.1.mlp.up_proj.weight';
    const twice = edited(source, [scaled(name, 2), scaled(name, 4)]);
    expect(await twice.tensor(name)).toEqual((await source.tensor(name)).map((value) => 8 * value));
    const moved = edited(source, [scaled(name, 2), { type: 'relayer', layers: [1, 1] }]);
    const first = 'model.layers.0.mlp.up_proj.weight';
    expect(await moved.tensor(first)).toEqual(await twice.tensor(name).then((all) => all.map((value) => value / 4)));
    const seen: string[][] = [];
    const removeThenRewrite = edited(source, [
      { type: 'remove', blocks: [{ layer: 0, kind: 'mlp' }] },
      {
        type: 'rewrite',
        tensor: name,
        values(old) {
          seen.push(walkOf(old.config).map(({ layer, kind }) => `L${layer}.${kind}`));
          return old.tensor(name);
        },
      },
    ]);
    await removeThenRewrite.tensor(name);
    expect(seen).toEqual([['L0.mha', 'L1.mha', 'L1.mlp']]);
  });
});

describe('a new layer', () => {
  it.each(families)('%s: narrower, or with one block only, computes what a plain forward pass does', async (family) => {
    const source = await tinySource({ family, layers: LAYERS });
    const [{ mha }] = source.config.layers;
    const specs: LayerSpec[] = [
      { mha, mlp: { intermediateSize: 7 } },
      { mha: mha && { ...mha, heads: 2, kvHeads: family === 'gpt2' ? 2 : 1 }, mlp: { intermediateSize: 30 } },
      { mha: null, mlp: { intermediateSize: 5 } },
      { mha, mlp: null },
    ];
    for (const [seed, spec] of specs.entries()) {
      const layers = [0, randomLayer(source, spec, 1, 3, seed), 2];
      const view = edited(source, [{ type: 'relayer', layers }]);
      const { model } = await tinyTransformer({ family });
      const other = await Transformer.load(view, model.backend, 2 ** 24);
      const [nll] = await other.nll(ids, Mask.empty);
      const want = await plainForward(view, ids[0], Mask.empty);
      for (const [t, value] of nll.entries()) expect(value).toBeCloseTo(want.nll[t], 4);
      expect([...view.tensors].map(([name, { shape }]) => [name, shape])).toEqual([...tensorShapes(view.config)]);
    }
  });
});

describe('what does not fit is refused at once', () => {
  const names = { type: 'rewrite', values: (old: WeightSource) => old.tensor('model.norm.weight') } as const;
  const mlpOf = (intermediateSize: number): LayerSpec => ({ mha: null, mlp: { intermediateSize } });
  const mhaOf = (heads: number, kvHeads: number, window: number | null = null): LayerSpec => {
    return { mha: { heads, kvHeads, window }, mlp: null };
  };
  const relayer = (spec: LayerSpec, weights = new Map<string, Float32Array>()): Edit => {
    return { type: 'relayer', layers: [{ spec, weights }] };
  };
  const L1 = { layer: 1, kind: 'mlp' } as const;
  const cases: [string, readonly Edit[], new (message: string) => Error, RegExp][] = [
    ['a block beyond the model', [{ type: 'remove', blocks: [{ layer: 2, kind: 'mha' }] }], MaskError, /'L2.mha'/],
    ['a negative layer', [{ type: 'remove', blocks: [{ layer: -1, kind: 'mha' }] }], MaskError, /'L-1.mha'/],
    ['a block named twice', [{ type: 'remove', blocks: [L1, L1] }], MaskError, /'L1.mlp' is named twice/],
    [
      'a block that is gone',
      [
        { type: 'remove', blocks: [L1] },
        { type: 'remove', blocks: [L1] },
      ],
      MaskError,
      /'L1.mlp'/,
    ],
    ['an unknown tensor', [{ ...names, tensor: 'model.layers.9.x' }], NotFoundError, /no tensor 'model.layers.9.x'/],
    [
      'a tensor that is gone',
      [
        { type: 'remove', blocks: [L1] },
        { ...names, tensor: 'model.layers.1.mlp.up_proj.weight' },
      ],
      NotFoundError,
      /model.layers.1.mlp.up_proj.weight/,
    ],
    ['a layer beyond the model', [{ type: 'relayer', layers: [0, 2] }], NotFoundError, /no layer 2.* 0 … 1/],
    ['a layer below 0', [{ type: 'relayer', layers: [-1] }], NotFoundError, /no layer -1/],
    ['half a layer', [{ type: 'relayer', layers: [0.5] }], NotFoundError, /no layer 0.5/],
    ['heads that key heads do not divide', [relayer(mhaOf(3, 2))], ShapeError, /3 heads cannot share 2/],
    ['no head', [relayer(mhaOf(0, 0))], ShapeError, /0 heads/],
    ['a window of nothing', [relayer(mhaOf(2, 1, 0))], ShapeError, /window of 0/],
    ['an MLP of nothing', [relayer(mlpOf(0))], ShapeError, /MLP of 0/],
    ['half a hidden number', [relayer(mlpOf(1.5))], ShapeError, /MLP of 1.5/],
    ['a new layer without weights', [relayer(mlpOf(3))], NotFoundError, /post_attention_layernorm.weight' is missing/],
    [
      'a new layer with a tensor too many',
      [relayer({ mha: null, mlp: null }, new Map([['model.layers.0.mlp.up_proj.weight', new Float32Array(48)]]))],
      NotFoundError,
      /no tensor 'model.layers.0.mlp.up_proj.weight'/,
    ],
    [
      'a new layer with a tensor of another size',
      [relayer(mlpOf(3), new Map([['model.layers.0.post_attention_layernorm.weight', new Float32Array(15)]]))],
      ShapeError,
      /post_attention_layernorm.weight' \[16\] cannot hold 15 numbers/,
    ],
  ];
  it.each(cases)('%s', async (_, edits, type, message) => {
    const source = await tinySource({ layers: 2 });
    expect(() => edited(source, edits)).toThrow(type);
    expect(() => edited(source, edits)).toThrow(message);
  });

  it('a rewrite of another length, when it is read', async () => {
    const view = edited(await tinySource(), [
      { type: 'rewrite', tensor: 'model.norm.weight', values: () => Promise.resolve(new Float32Array(15)) },
    ]);
    await expect(view.tensor('model.norm.weight')).rejects.toThrow(ShapeError);
    await expect(view.tensor('model.norm.weight')).rejects.toThrow("'model.norm.weight' [16] cannot hold 15 numbers");
    await expect(hashOf(view)).rejects.toThrow(ShapeError);
    await expect(view.tensor('model.layers.7.x')).rejects.toThrow(NotFoundError);
  });

  test.prop([fc.integer({ min: -2, max: 40 }), fc.integer({ min: -2, max: 40 })])(
    'rows of a rewritten embedding are rows of its values, and others are not there',
    async (from, to) => {
      const source = await tinySource();
      const name = 'model.embed_tokens.weight';
      const view = edited(source, [scaled(name, 2)]);
      const rows = source.tensors.get(name)?.shape[0] ?? 0;
      if (from < 0 || from > to || to > rows) {
        await expect(view.rows(name, from, to)).rejects.toThrow(NotFoundError);
      } else {
        const want = (await source.rows(name, from, to)).map((value) => 2 * value);
        expect(await view.rows(name, from, to)).toEqual(want);
      }
    },
  );

  it('rows of a vector', async () => {
    const view = edited(await tinySource(), [scaled('model.norm.weight', 2)]);
    await expect(view.rows('model.norm.weight', 0, 1)).rejects.toThrow(NotFoundError);
  });
});

describe('a view', () => {
  const up = 'model.layers.1.mlp.up_proj.weight';
  const edits: Edit[] = [
    { type: 'remove', blocks: [{ layer: 0, kind: 'mha' }] },
    scaled(up, 2),
    { type: 'relayer', layers: [1, 0] },
  ];

  it('reads nothing before it is asked, then that tensor alone, and keeps nothing', async () => {
    const reads: string[] = [];
    const source = watchReads(await tinySource(), (name) => reads.push(name));
    const view = edited(source, edits);
    expect(reads).toEqual([]);
    const moved = 'model.layers.0.mlp.up_proj.weight';
    const first = await view.tensor(moved);
    expect(reads).toEqual([up]);
    expect(await view.tensor(moved)).not.toBe(first);
    expect(reads).toEqual([up, up]);
    await view.rows('model.embed_tokens.weight', 3, 4);
    expect(reads).toEqual([up, up, 'model.embed_tokens.weight']);
    await view.assertUnchanged();
    expect(reads).toHaveLength(3);
  });

  it('does not list what is gone, and states rewritten tensors as f32', async () => {
    const source = await tinySource();
    const gone = { layer: 1, kind: 'mlp' } as const;
    const view = edited(source, [{ type: 'remove', blocks: [gone] }, scaled('model.norm.weight', 2)]);
    const lost = blockTensorNames(source.config, gone);
    expect([...view.tensors.keys()]).toEqual([...source.tensors.keys()].filter((name) => !lost.includes(name)));
    expect(view.tensors.get('model.norm.weight')).toEqual({ shape: [16], dtype: 'F32', bytes: 64 });
    expect(view.name).toBe(source.name);
    for (const name of lost) await expect(view.tensor(name)).rejects.toThrow(NotFoundError);
  });

  it('passes on the check of its files, and that it is closed', async () => {
    const calls: string[] = [];
    const source: WeightSource = {
      ...watchReads(await tinySource(), () => {}),
      assertUnchanged: () => Promise.reject(new Error('changed')),
      close: () => Promise.resolve(void calls.push('closed')),
    };
    const view = edited(source, edits);
    await expect(view.assertUnchanged()).rejects.toThrow('changed');
    await view.close();
    expect(calls).toEqual(['closed']);
  });

  it('has a hash that tells apart what was done, and to what', async () => {
    const [source, other] = [await tinySource(), await tinySource({ seed: 2 })];
    const remove = (layer: number, kind: 'mha' | 'mlp'): Edit => ({ type: 'remove', blocks: [{ layer, kind }] });
    const layer = (seed: number): Edit => {
      return { type: 'relayer', layers: [randomLayer(source, source.config.layers[0], 0, 1, seed)] };
    };
    const views = [
      source,
      other,
      ...[[remove(0, 'mha')], [remove(0, 'mlp')], [remove(0, 'mha'), remove(0, 'mlp')]].map((own) =>
        edited(source, own),
      ),
      edited(other, [remove(0, 'mha')]),
      ...[scaled(up, 2), scaled(up, 3), scaled('model.norm.weight', 2)].map((own) => edited(source, [own])),
      ...[[0, 1], [1, 0], [0]].map((layers) => edited(source, [{ type: 'relayer', layers }])),
      edited(source, [layer(1)]),
      edited(source, [layer(2)]),
    ];
    const hashes = await Promise.all(views.map(hashOf));
    expect(new Set(hashes).size).toBe(views.length);
    expect(await Promise.all(views.map(hashOf))).toEqual(hashes);
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('does not see in its hash in which order blocks of one edit are named', async () => {
    const source = await tinySource();
    const blocks = [
      { layer: 1, kind: 'mha' },
      { layer: 0, kind: 'mlp' },
    ] as const;
    const hash = hashOf(edited(source, [{ type: 'remove', blocks }]));
    expect(await hash).toBe(await hashOf(edited(source, [{ type: 'remove', blocks: blocks.toReversed() }])));
  });
});
