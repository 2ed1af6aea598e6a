/**
 * What holds of every writer. To add a writer: its file in src/formats/write, and a spec that calls
 * this with a way to open what was written.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../../src/backends/reference/referenceBackend.ts';
import { UnsupportedModelError } from '../../../src/errors.ts';
import { perplexity } from '../../../src/eval/perplexity.ts';
import { writeModel, type Companions, type ModelWriter } from '../../../src/formats/write/modelWriter.ts';
import type { FamilyName, ModelConfig } from '../../../src/model/config.ts';
import { edited, type RewriteEdit } from '../../../src/model/edit.ts';
import { Mask } from '../../../src/model/mask.ts';
import { mhaTensorNames, mlpTensorNames, modelTensorNames } from '../../../src/model/tensorNames.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { walkOf } from '../../../src/model/walk.ts';
import type { WeightSource } from '../../../src/model/weights.ts';
import { memorySink, type OpenSink } from '../../../src/platform/fileSink.ts';
import { seeds } from '../../arbitraries.ts';
import { someFamily } from '../../model/modelArbitraries.ts';
import { tinyConfig, tinySource, TINY_VOCAB } from '../../model/tinyTransformer.ts';
import { wrappedSource } from '../../model/wrappedSource.ts';
import { tinyChunks } from '../../prune/tinySearch.ts';
import type { Files } from '../huggingface/tinyModel.ts';

export interface WriterCase {
  writer: ModelWriter;
  /** Files that belong beside the weights, for a model of this config.json. */
  companions: (config: Readonly<Record<string, unknown>>) => Companions;
  /** Opens what was written. */
  open: (files: Files) => Promise<WeightSource>;
  /** What a number of a tensor is after it was written and read: the format's rounding. */
  rounded: (value: number, tensor: string) => number;
  /** The config as the format has it, where that is not all of it. */
  seen?: (config: ModelConfig) => ModelConfig;
  /** Configs that the format cannot hold, and what the refusal says. */
  refused: readonly { name: string; config: (config: ModelConfig) => ModelConfig; reason: RegExp }[];
}

/** Odd sizes, tied and untied, every family. */
const someModel = fc
  .record({
    family: someFamily,
    seed: seeds,
    layers: fc.integer({ min: 1, max: 3 }),
    tied: fc.boolean(),
    headDim: fc.integer({ min: 1, max: 5 }).map((half) => 2 * half),
    kvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 3 }),
    intermediate: fc.integer({ min: 1, max: 19 }),
    hidden: fc.integer({ min: 1, max: 21 }),
    vocabulary: fc.integer({ min: 3, max: TINY_VOCAB }),
  })
  .map((draw) => ({ family: draw.family, seed: draw.seed, layers: draw.layers, config: configOf(draw) }));

function configOf(draw: {
  family: FamilyName;
  tied: boolean;
  headDim: number;
  kvHeads: number;
  group: number;
  intermediate: number;
  hidden: number;
  vocabulary: number;
}): Record<string, unknown> {
  const common = { tie_word_embeddings: draw.tied, vocab_size: draw.vocabulary };
  const heads = draw.kvHeads * draw.group;
  if (draw.family === 'gpt2') {
    return { ...common, n_embd: heads * draw.headDim, n_head: heads, n_inner: draw.intermediate };
  }
  return {
    ...common,
    hidden_size: draw.hidden,
    intermediate_size: draw.intermediate,
    num_attention_heads: heads,
    num_key_value_heads: draw.kvHeads,
    head_dim: draw.headDim,
  };
}

/** What a repair may rewrite: what blocks write by, and what the stream begins and ends with. */
function rewritesOf({ config, tensors }: WeightSource): RewriteEdit[] {
  const written = walkOf(config).flatMap(({ kind, layer }) => {
    const { weight, bias } = kind === 'mha' ? mhaTensorNames(config, layer).output : mlpTensorNames(config, layer).down;
    return bias === null ? [weight] : [weight, bias];
  });
  const { embedding, positions, finalNorm } = modelTensorNames(config);
  const names = [...written, embedding, positions, finalNorm.weight].filter((name) => name !== null);
  return names
    .filter((name) => tensors.has(name))
    .map((tensor) => ({
      type: 'rewrite',
      tensor,
      values: async (old) => (await old.tensor(tensor)).map((value) => 1.25 * value + 0.015625),
    }));
}

async function pplOf(weights: WeightSource, seed: number, mask: Mask = Mask.empty): Promise<number> {
  const chunks = tinyChunks(seed, 1, 6);
  const ids = chunks.ids.map((row) => row.map((id) => id % weights.config.vocabSize));
  const model = await Transformer.load(weights, referenceBackend(), 2 ** 24);
  return (await perplexity(model, { ...chunks, ids }, mask)).ppl;
}

export function writerSuite({ writer, companions, open, rounded, refused, seen = (own) => own }: WriterCase): void {
  const beside = (family: FamilyName, layers: number, config: Readonly<Record<string, unknown>>): Companions =>
    companions({ ...tinyConfig(family, layers), ...config });

  describe(`the writer ${writer.name}`, () => {
    test.prop([someModel], { numRuns: 40 })(
      'writes what opens again to the same weights and perplexity',
      async (model) => {
        const source = await tinySource(model);
        const files: Files = new Map();
        await writeModel(writer, source, beside(model.family, model.layers, model.config), memorySink(files));
        const found = await open(files);
        expect(found.config).toEqual(seen(source.config));
        const rounding = wrappedSource(source, {
          tensor: async (name) => (await source.tensor(name)).map((value) => rounded(value, name)),
          rows: async (name, from, to) => (await source.rows(name, from, to)).map((value) => rounded(value, name)),
        });
        expect([...found.tensors.keys()].toSorted()).toEqual([...source.tensors.keys()].toSorted());
        for (const name of source.tensors.keys()) expect(await found.tensor(name)).toEqual(await rounding.tensor(name));
        expect(await pplOf(found, model.seed)).toBe(await pplOf(rounding, model.seed));
        await found.close();
      },
    );

    test.prop([someModel, fc.array(fc.nat(), { maxLength: 2 })], { numRuns: 30 })(
      'writes a model whose tensors a repair rewrote, biases and a tied embedding among them',
      async (model, some) => {
        const source = await tinySource(model);
        const edits = rewritesOf(source);
        const repaired = edited(source, edits);
        const files: Files = new Map();
        await writeModel(writer, repaired, beside(model.family, model.layers, model.config), memorySink(files));
        const found = await open(files);
        expect([...found.tensors.keys()].toSorted()).toEqual([...source.tensors.keys()].toSorted());
        for (const name of source.tensors.keys()) {
          const expected = (await repaired.tensor(name)).map((value) => rounded(value, name));
          expect(await found.tensor(name), name).toEqual(expected);
        }
        // As it was measured: under a mask, rewritten tensors read row by row where that is done.
        const rounding = wrappedSource(repaired, {
          tensor: async (name) => (await repaired.tensor(name)).map((value) => rounded(value, name)),
          rows: async (name, from, to) => (await repaired.rows(name, from, to)).map((value) => rounded(value, name)),
        });
        const walk = walkOf(source.config);
        const mask = Mask.of([...new Set(some.map((at) => at % walk.length))].map((at) => walk[at]));
        expect(await pplOf(found, model.seed, mask)).toBe(await pplOf(rounding, model.seed, mask));
        // And a rewrite is one: the model as it was scores otherwise.
        expect(await found.tensor(edits[0].tensor)).not.toEqual(
          (await source.tensor(edits[0].tensor)).map((value) => rounded(value, edits[0].tensor)),
        );
        await found.close();
      },
    );

    it('reads each tensor when its turn comes, and the next one when it is written', async () => {
      const source = await tinySource({ layers: 3 });
      // What is read and not yet in the sink, in tensors or rows of one: an encoded piece may still
      // wait to be written.
      let [reading, most] = [0, 0];
      const reads = new Set<string>();
      const read = (name: string): void => {
        reads.add(name);
        reading++;
        most = Math.max(most, reading);
      };
      const counting = wrappedSource(source, {
        stored: () => null,
        tensor: async (name) => {
          read(name);
          return source.tensor(name);
        },
        rows: async (name, from, to) => {
          read(name);
          return source.rows(name, from, to);
        },
      });
      const files: Files = new Map();
      const slow: OpenSink = async (file) => {
        const sink = await memorySink(files)(file);
        return {
          ...sink,
          async write(piece) {
            await new Promise((resolve) => setImmediate(resolve));
            await sink.write(piece);
            if (reading > 0) reading--;
          },
        };
      };
      await writeModel(writer, counting, beside('llama', 3, {}), slow);
      expect(reads.size).toBe(source.tensors.size);
      expect(most).toBe(1);
    });

    test.prop([fc.nat(60), fc.constantFrom('write', 'close', 'open')], { numRuns: 60 })(
      'leaves no file where a sink fails anywhere, and gives every sink back',
      async (failAt, method) => {
        const source = await tinySource({ layers: 1 });
        const files: Files = new Map();
        let [calls, left] = [0, 0];
        const count = (name: string): void => {
          if (name === method && calls++ === failAt) throw new Error('the disk is full');
        };
        const failing: OpenSink = async (file) => {
          count('open');
          const sink = await memorySink(files)(file);
          left++;
          return {
            async write(piece) {
              count('write');
              await sink.write(piece);
            },
            async close() {
              count('close');
              await sink.close();
              left--;
            },
            async abort() {
              await sink.abort();
              left--;
            },
          };
        };
        const write = writeModel(writer, source, beside('llama', 1, {}), failing);
        const failed = await write.then(
          () => false,
          (error: Error) => error.message === 'the disk is full',
        );
        expect(left).toBe(0);
        if (!failed) return;
        // Where the last file could not be closed, those before it are there: they alone are no
        // model.
        if (method !== 'close') expect([...files.keys()]).toEqual([]);
        await expect(open(files)).rejects.toThrow();
      },
    );

    it('leaves no file where the source fails, or was changed meanwhile', async () => {
      const source = await tinySource({ layers: 2 });
      const fail = (): Promise<never> => Promise.reject(new Error('the file was replaced'));
      for (const other of [{ assertUnchanged: fail }, { tensor: fail }]) {
        const files: Files = new Map();
        const write = writeModel(writer, wrappedSource(source, other), beside('llama', 2, {}), memorySink(files));
        await expect(write).rejects.toThrow('the file was replaced');
        expect([...files.keys()]).toEqual([]);
      }
    });

    it('refuses a source without one of its tensors, or one of another shape, before anything is written', async () => {
      const source = await tinySource();
      const name = 'model.layers.1.mlp.up_proj.weight';
      const info = source.tensors.get(name) ?? expect.unreachable();
      const without = new Map([...source.tensors].filter(([other]) => other !== name));
      const reshaped = new Map(source.tensors).set(name, { ...info, shape: info.shape.toReversed() });
      for (const tensors of [without, reshaped]) {
        const opened: string[] = [];
        const sink: OpenSink = (file) => {
          opened.push(file);
          return memorySink(new Map())(file);
        };
        await expect(writeModel(writer, wrappedSource(source, { tensors }), new Map(), sink)).rejects.toThrow(
          /layers\.1\.mlp\.up_proj/,
        );
        expect(opened).toEqual([]);
      }
    });

    it.each(refused)('refuses $name by name, and opens no file', async ({ config, reason }) => {
      const opened: string[] = [];
      const sink: OpenSink = (file) => {
        opened.push(file);
        return memorySink(new Map())(file);
      };
      const source = await tinySource({ layers: 4 });
      const other = wrappedSource(source, { config: config(source.config) });
      await expect(writeModel(writer, other, new Map(), sink)).rejects.toThrow(UnsupportedModelError);
      await expect(writeModel(writer, other, new Map(), sink)).rejects.toThrow(reason);
      expect(opened).toEqual([]);
    });
  });
}
