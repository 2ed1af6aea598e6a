/**
 * Edits composed at random, against a twin that is nothing but arrays: each edit done at once, by
 * hand, on a list of layers.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { parameterSource, type Parameter } from '../../src/autodiff/parameters.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import type { LayerSpec, ModelConfig } from '../../src/model/config.ts';
import { edited, type Edit, type NewLayer } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import { countParameters } from '../../src/model/parameters.ts';
import { tensorShapes } from '../../src/model/tensorShapes.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { plainForward } from '../../tiny-models/plainForward.ts';
import { someSequences } from './modelArbitraries.ts';
import { randomArrays, someUneven, unevenSource, type UnevenShape } from './unevenModel.ts';

/** An edit of a model that is not known yet: numbers that choose among what it then has. */
type Wish =
  | { type: 'remove'; some: readonly number[] }
  | { type: 'rewrite'; some: number; factor: number }
  | { type: 'relayer'; places: readonly ({ from: number } | { width: number | null; mha: boolean; seed: number })[] };

const somePlace = fc.oneof(
  { weight: 3, arbitrary: fc.record({ from: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ width: fc.option(fc.constantFrom(3, 24)), mha: fc.boolean(), seed: fc.nat() }) },
);
const someWishes: fc.Arbitrary<Wish[]> = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('remove' as const), some: fc.array(fc.nat(), { maxLength: 3 }) }),
    fc.record({ type: fc.constant('rewrite' as const), some: fc.nat(), factor: fc.constantFrom(0.5, -1, 2) }),
    fc.record({
      type: fc.constant('relayer' as const),
      places: fc.array(somePlace, { minLength: 1, maxLength: 4 }),
    }),
  ),
  { maxLength: 5 },
);

/** A layer of the twin: its tensors by their names behind the layer's number. */
interface PlainLayer {
  readonly spec: LayerSpec;
  readonly tensors: ReadonlyMap<string, Parameter>;
}

interface PlainModel {
  readonly config: ModelConfig;
  readonly layers: readonly PlainLayer[];
  /** What belongs to no layer. */
  readonly outside: ReadonlyMap<string, Parameter>;
}

const ofLayer = /^(?:model\.layers|transformer\.h)\.(\d+)\.(.*)$/;
const prefixOf = (config: ModelConfig, layer: number): string =>
  `${config.family === 'gpt2' ? 'transformer.h' : 'model.layers'}.${layer}.`;

/** Which of a layer's blocks a tensor belongs to. */
const isMha = (suffix: string): boolean => /^(?:self_attn|attn|input_layernorm|ln_1)\b/.test(suffix);

function split(config: ModelConfig, arrays: ReadonlyMap<string, Parameter>): PlainModel {
  const layers = config.layers.map((spec) => ({ spec, tensors: new Map<string, Parameter>() }));
  const outside = new Map<string, Parameter>();
  for (const [name, array] of arrays) {
    const [, layer, suffix] = ofLayer.exec(name) ?? [];
    if (layer === undefined) outside.set(name, array);
    else layers[Number(layer)].tensors.set(suffix, array);
  }
  return { config, layers, outside };
}

function joined({ config, layers, outside }: PlainModel): WeightSource {
  const arrays = new Map(outside);
  for (const [layer, { tensors }] of layers.entries()) {
    for (const [suffix, array] of tensors) arrays.set(prefixOf(config, layer) + suffix, array);
  }
  return parameterSource('twin', { ...config, layers: layers.map(({ spec }) => spec) }, arrays);
}

async function arraysOf(source: WeightSource): Promise<Map<string, Parameter>> {
  const arrays = new Map<string, Parameter>();
  for (const [name, { shape }] of source.tensors) arrays.set(name, { shape, data: await source.tensor(name) });
  return arrays;
}

/** A wish as an edit of `source`, and the twin of what comes out. */
async function granted(wish: Wish, source: WeightSource, twin: PlainModel): Promise<[Edit, PlainModel]> {
  if (wish.type === 'remove') {
    const walk = walkOf(source.config);
    const blocks = [...new Set(walk.length === 0 ? [] : wish.some.map((some) => walk[some % walk.length]))];
    const layers = twin.layers.map(({ spec, tensors }, layer): PlainLayer => {
      const lost = new Set(blocks.filter((block) => block.layer === layer).map(({ kind }) => kind));
      const kept = [...tensors].filter(([suffix]) => !lost.has(isMha(suffix) ? 'mha' : 'mlp'));
      return {
        spec: { mha: lost.has('mha') ? null : spec.mha, mlp: lost.has('mlp') ? null : spec.mlp },
        tensors: new Map(kept),
      };
    });
    return [
      { type: 'remove', blocks },
      { ...twin, layers },
    ];
  }
  if (wish.type === 'rewrite') {
    const names = [...source.tensors.keys()];
    const tensor = names[wish.some % names.length];
    const times = (data: Float32Array): Float32Array => data.map((value) => value * wish.factor);
    const arrays = await arraysOf(joined(twin));
    const { shape, data } = arrays.get(tensor) ?? expect.unreachable();
    arrays.set(tensor, { shape, data: times(data as Float32Array) });
    const values = async (old: WeightSource): Promise<Float32Array> => times(await old.tensor(tensor));
    return [{ type: 'rewrite', tensor, values }, split(joined(twin).config, arrays)];
  }
  const { layers: old } = source.config;
  const window = old.find(({ mha }) => mha !== null)?.mha?.window ?? null;
  const made = wish.places.map((place, layer): { edit: number | NewLayer; plain: PlainLayer } => {
    if ('from' in place) return { edit: place.from % old.length, plain: twin.layers[place.from % old.length] };
    const kvHeads = source.config.family === 'gpt2' ? 4 : 2;
    const spec: LayerSpec = {
      mha: place.mha ? { heads: 4, kvHeads, window } : null,
      mlp: place.width === null ? null : { intermediateSize: place.width },
    };
    const none: LayerSpec = { mha: null, mlp: null };
    const config = { ...source.config, layers: wish.places.map((_, at) => (at === layer ? spec : none)) };
    const plain = split(config, randomArrays(config, place.seed)).layers[layer];
    const weights = [...plain.tensors].map(([suffix, { data }]) => {
      return [prefixOf(config, layer) + suffix, data as Float32Array] as const;
    });
    return { edit: { spec, weights: new Map(weights) }, plain };
  });
  const layers = made.map(({ plain }) => plain);
  return [
    { type: 'relayer', layers: made.map(({ edit }) => edit) },
    { ...twin, layers },
  ];
}

/** The edits that a list of wishes comes to, and what they make of the model in two ways. */
async function compose(shape: UnevenShape, wishes: readonly Wish[]) {
  const source = unevenSource(shape);
  const edits: Edit[] = [];
  let twin = split(source.config, await arraysOf(source));
  for (const wish of wishes) {
    const [edit, next] = await granted(wish, edited(source, edits), twin);
    edits.push(edit);
    twin = next;
  }
  return { view: edited(source, edits), plain: joined(twin) };
}

const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe('edits composed at random', () => {
  const backend = referenceBackend();

  test.prop([someUneven(3), someWishes], { numRuns: 60 })(
    'are the twin’s arrays, under its names and in its shapes',
    async (shape, wishes) => {
      const { view, plain } = await compose(shape, wishes);
      expect(view.config).toEqual(plain.config);
      expect(sorted(await arraysOf(view))).toEqual(sorted(await arraysOf(plain)));
      expect(sorted(new Map([...view.tensors].map(([name, { shape: own }]) => [name, own])))).toEqual(
        sorted(tensorShapes(view.config)),
      );
      expect(countParameters(view)).toEqual(countParameters(plain));
      // Rows are those of the whole, however many views lie in between.
      for (const [name, { shape: own }] of view.tensors) {
        if (own.length < 2) continue;
        expect(await view.rows(name, own[0] - 1, own[0])).toEqual((await plain.tensor(name)).slice(-own[1]));
      }
    },
  );

  test.prop([someUneven(3), someWishes, someSequences({ minLength: 2, maxLength: 8 }, 2)], { numRuns: 30 })(
    'compute what the twin computes, bit for bit, and what the formulas say',
    async (shape, wishes, ids) => {
      const { view, plain } = await compose(shape, wishes);
      const rows: Float32Array[][] = [];
      for (const source of [view, plain]) {
        const model = await Transformer.load(source, backend, 2 ** 22);
        rows.push(await model.nll(ids, Mask.empty));
        model.free();
      }
      expect(rows[0]).toEqual(rows[1]);
      const { nll } = await plainForward(plain, ids[0], Mask.empty);
      for (const [t, value] of rows[0][0].entries()) expect(value).toBeCloseTo(nll[t], 2);
      expect(backend.bytesInUse()).toBe(0);
    },
  );
});
