import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { compileKernels } from '../../src/backends/simd/kernels.ts';
import { simdBackend } from '../../src/backends/simd/simdBackend.ts';
import { chunkData, defaultEvalSettings, type Chunks } from '../../src/eval/chunks.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { parseData } from '../../src/eval/textData.ts';
import { openModel, type OpenedModel } from '../../src/formats/openModel.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { candidatesLeft, type PruneKind } from '../../src/prune/candidates.ts';
import { Journal } from '../../src/prune/journal.ts';
import type { SearchEvent } from '../../src/prune/events.ts';
import type { Golden, GoldenScores } from '../../tiny-models/planted/golden.ts';
import { plantedFiles } from '../../tiny-models/planted/recipe.ts';
import { settled } from '../../tiny-models/planted/settled.ts';
import { localSearch } from '../prune/tinySearch.ts';
import { engineTrace, firstDifference } from '../../tiny-models/trace.ts';
import { layersOf } from '../model/layers.ts';

const LAYERS = 6;
const folder = new URL('../../tiny-models/planted/', import.meta.url);
const textFile = new URL('../../tiny-models/data/tiny.txt', import.meta.url);
const golden = JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8')) as Golden;
const [whole, start] = golden.scores;

/** The text as the command line takes it by default, cut after `tokens`. */
function chunksOf(opened: OpenedModel, tokens: number | null): Chunks {
  const data = parseData('tiny.txt', readFileSync(textFile, 'utf8'), 'text');
  const settings = { ...defaultEvalSettings, tokens };
  return chunkData('tiny.txt', data, opened.weights.config, opened.tokenizer, settings);
}

type StepEvent = Extract<SearchEvent, { type: 'step' }>;

async function steps(model: Transformer, chunks: Chunks, kind: PruneKind, blocks: number): Promise<StepEvent[]> {
  const journal = await Journal.open(
    memoryJournal(),
    {
      weights: '',
      config: '',
      tokens: '',
      settings: '',
      backend: '',
    },
    nodeHasher,
  );
  const found: StepEvent[] = [];
  const settings = { kind, stop: { blocks }, groupSize: 4 };
  for await (const event of localSearch({ model, chunks, journal }, settings)) {
    if (event.type === 'step') found.push(event);
  }
  return found;
}

/** |Δppl| / ppl. */
function expectClose(found: number | undefined, expected: number): void {
  expect(Math.abs((found ?? NaN) / expected - 1)).toBeLessThanOrEqual(1e-5);
}

function expectCandidates(step: StepEvent, expected: GoldenScores): void {
  expect(step.candidates.map(({ name }) => name).toSorted()).toEqual(Object.keys(expected.candidates).toSorted());
  for (const { name, perplexity: found } of step.candidates) expectClose(found.ppl, expected.candidates[name]);
}

const simd = (variant: 'relaxed-fma' | 'plain'): Promise<Backend> =>
  simdBackend({ memoryBytes: 64 * 2 ** 20, threads: 1, spawn: null, variant });

const backends = [
  { name: 'reference', make: () => Promise.resolve(referenceBackend()), missing: false },
  { name: 'simd relaxed-fma', make: () => simd('relaxed-fma'), missing: compileKernels('relaxed-fma') === null },
  { name: 'simd plain', make: () => simd('plain'), missing: compileKernels('plain') === null },
];

describe('the planted model', () => {
  let opened: OpenedModel;
  beforeAll(async () => {
    opened = await openModel(fileURLToPath(folder));
  });
  afterAll(() => opened.close());

  it('is what its recipe gives, byte for byte', () => {
    const files = plantedFiles(readFileSync(textFile));
    expect([...files.keys()]).toEqual(['config.json', 'tokenizer.json', 'model.safetensors', 'golden.json']);
    for (const [name, bytes] of files) {
      expect(Buffer.compare(readFileSync(new URL(name, folder)), bytes), name).toBe(0);
    }
  });

  it('is opened without a warning, and its text fills the chunks that the golden figures are for', () => {
    expect(opened).toMatchObject({ warnings: [], tokenizerNote: null });
    for (const { tokens, chunks } of golden.scores) {
      expect(chunksOf(opened, tokens).ids).toHaveLength(chunks);
      expect(chunks * golden.convention.chunk).toBe(tokens);
    }
    expect(chunksOf(opened, null)).toMatchObject({ chunk: golden.convention.chunk, bos: golden.convention.bos });
    expect(chunksOf(opened, null).ids).toHaveLength(whole.chunks);
  });

  for (const { name, make, missing } of backends) {
    describe.skipIf(missing)(`on ${name}${missing ? ' (this engine does not know its instructions)' : ''}`, () => {
      let model: Transformer;
      beforeAll(async () => {
        model = await Transformer.load(opened.weights, await make(), 4 * 2 ** 20);
      });
      afterAll(async () => {
        model.free();
        await model.backend.dispose();
      });

      it('does block by block what the golden trace says', async () => {
        const [ids] = chunksOf(opened, whole.tokens).ids;
        const found = await engineTrace(model, ids.subarray(0, golden.trace.tokens), Mask.empty);
        expect(firstDifference(found, golden.trace)).toBeNull();
      });

      it('loses all blocks in the golden order, at the golden perplexities', async () => {
        const found = await steps(model, chunksOf(opened, start.tokens), 'mix', 2 * LAYERS);
        expect(found.map(({ removed }) => removed?.name)).toEqual(golden.order);
        for (const [index, { removed }] of found.entries()) expectClose(removed?.perplexity.ppl, start.after[index]);
        expectCandidates(found[0], start);
      });

      // The reference would take too long.
      it.skipIf(name === 'reference')('scores the golden masks on the whole text', async () => {
        const chunks = chunksOf(opened, null);
        expectClose((await perplexity(model, chunks, Mask.empty, 4)).ppl, whole.dense);
        for (const removed of [6, 12]) {
          const mask = Mask.parse(golden.order.slice(0, removed).join(','), layersOf(LAYERS));
          expectClose((await perplexity(model, chunks, mask, 4)).ppl, whole.after[removed - 1]);
        }
      });

      it.runIf(name === 'simd relaxed-fma')('scores the golden candidates on the whole text', async () => {
        const [first] = await steps(model, chunksOf(opened, null), 'mix', 1);
        expectCandidates(first, whole);
      });

      it('scores the same to the last bit without the blocks that add nothing', async () => {
        const chunks = chunksOf(opened, start.tokens);
        const idle = Object.keys(golden.adds).filter((block) => golden.adds[block] === 0);
        const dense = await perplexity(model, chunks, Mask.empty);
        expect(await perplexity(model, chunks, Mask.parse(idle.join(','), layersOf(LAYERS)))).toEqual(dense);
      });

      it.skipIf(name === 'reference').each(['mha', 'mlp', 'layer'] as const)(
        'loses the smallest first where only %s may go',
        async (kind) => {
          const sizes = candidatesLeft(kind, layersOf(LAYERS), Mask.empty).map((candidate) => ({
            name: candidate.name,
            adds: candidate.name.split(',').reduce((sum, block) => sum + golden.adds[block], 0),
          }));
          const expected = sizes.toSorted((a, b) => a.adds - b.adds).map((candidate) => candidate.name);
          const found = await steps(
            model,
            chunksOf(opened, start.tokens),
            kind,
            kind === 'layer' ? 2 * LAYERS : LAYERS,
          );
          expect(found.map(({ removed }) => removed?.name)).toEqual(expected);
        },
      );
    });
  }

  it('has a card with the golden figures', () => {
    const card = readFileSync(new URL('card.md', folder), 'utf8');
    const rows = [...card.matchAll(/^\| *(\d+) *\| *(\S+) *\| *(\d*) *\| *([\d.]+) *\|$/gm)].map(
      ([, step, block, adds, ppl]) => ({ step: Number(step), block, adds, ppl }),
    );
    const removals = golden.order.map((block, index) => {
      return { step: index + 1, block, adds: String(golden.adds[block]), ppl: whole.after[index].toFixed(4) };
    });
    expect(rows).toEqual([{ step: 0, block: '–', adds: '', ppl: whole.dense.toFixed(4) }, ...removals]);
  });
});

describe('settled', () => {
  const numbers = fc.double({ min: -1e4, max: 1e4, noNaN: true });

  test.prop([numbers, fc.constantFrom(64, 1e7)])(
    'gives the nearest multiple, whatever the last bits say',
    (x, count) => {
      let value: number;
      try {
        value = settled(x, count);
      } catch {
        fc.pre(false);
        return;
      }
      expect(Math.abs(value - x)).toBeLessThanOrEqual(0.5 / count);
      expect(settled(value, count)).toBe(value);
      for (const doubt of [-5e-11, 5e-11]) {
        // A neighbour may be refused, but it may not settle elsewhere.
        let neighbour = value;
        try {
          neighbour = settled(x + doubt, count);
        } catch {}
        expect(neighbour).toBe(value);
      }
    },
  );

  it.each([0.5 / 64, 0.5 / 64 + 5e-11, 1.5 / 64 - 5e-11])('refuses %d, which is on the edge', (x) => {
    expect(() => settled(x, 64)).toThrow('too close');
  });
});
