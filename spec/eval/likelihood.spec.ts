/** Log-likelihoods of continuations against the plain forward pass with a log-softmax in f64. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { DataError, NonFiniteError, UsageError } from '../../src/errors.ts';
import { logLikelihoods, type Continuation, type Likelihood } from '../../src/eval/likelihood.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { goldenNames, goldenOf } from '../golden/goldenModel.ts';
import { forward } from '../model/forward.ts';
import { someFamily, someMask } from '../model/modelArbitraries.ts';
import { onReference, onSimd } from '../model/namedBackends.ts';
import { tinyTransformer, TINY_CONTEXT, TINY_VOCAB } from '../model/tinyTransformer.ts';
import { sharedPath } from '../shared.ts';

const id = fc.nat(TINY_VOCAB - 1);
const someItem: fc.Arbitrary<Continuation> = fc.record({
  context: fc.array(id, { minLength: 1, maxLength: 9 }),
  continuation: fc.array(id, { minLength: 1, maxLength: 5 }),
});
/** Ragged items, some with the context or the whole of another. */
const someItems: fc.Arbitrary<Continuation[]> = fc.array(someItem, { minLength: 1, maxLength: 7 }).chain((items) => {
  const shared = fc.record({
    context: fc.constantFrom(...items.map(({ context }) => context)),
    continuation: fc.array(id, { minLength: 1, maxLength: 2 }),
  });
  return fc.array(fc.oneof(shared, fc.constantFrom(...items)), { maxLength: 6 }).map((more) => [...items, ...more]);
});
const someRows = fc.integer({ min: 13, max: 60 });

async function all(
  model: Transformer,
  mask: Mask,
  items: readonly Continuation[],
  rows: number,
): Promise<Likelihood[]> {
  const found: Likelihood[] = [];
  for await (const one of logLikelihoods(model, mask, items, rows)) found.push(one);
  return found.toSorted((a, b) => a.index - b.index);
}

/** The same by the plain forward pass of each item alone. */
async function oracle(
  model: Transformer,
  mask: Mask,
  { context, continuation }: Continuation,
): Promise<Omit<Likelihood, 'index'>> {
  const ids = Int32Array.from([...context, ...continuation]);
  const logits = await forward(model, [ids], mask);
  let nats = 0;
  let greedy = true;
  for (const [token, target] of continuation.entries()) {
    const row = logits[context.length - 1 + token];
    const most = row.reduce((a, b) => Math.max(a, b));
    const sum = row.reduce((total, logit) => total + Math.exp(logit - most), 0);
    nats += row[target] - most - Math.log(sum);
    greedy &&= row.indexOf(most) === target;
  }
  return { nats, greedy };
}

describe.each([onReference, onSimd('relaxed-fma', 2)].filter(({ missing }) => !missing))('on $name', ({ open }) => {
  const onBackend = async (use: (backend: Backend) => Promise<void>): Promise<void> => {
    const backend = await open();
    try {
      await use(backend);
      expect(backend.bytesInUse()).toBe(0);
    } finally {
      await backend.dispose();
    }
  };

  test.prop([someFamily, someMask(2), someItems, someRows], { numRuns: 15 })(
    'they are those of the plain pass, whatever goes together',
    async (family, mask, items, rows) => {
      await onBackend(async (backend) => {
        const { model } = await tinyTransformer({ family, backend });
        const found = await all(model, mask, items, rows);
        expect(found.map(({ index }) => index)).toEqual(items.map((_, index) => index));
        for (const { index, nats, greedy } of found) {
          const plain = await oracle(model, mask, items[index]);
          expect(Math.abs(nats - plain.nats)).toBeLessThan(1e-4 * (1 + Math.abs(plain.nats)));
          expect(nats).toBeLessThanOrEqual(0);
          expect(greedy).toBe(plain.greedy);
        }
        model.free();
      });
    },
  );

  test.prop([someFamily, someItems, someRows], { numRuns: 10 })(
    'an item scores to the last bit as it does alone',
    async (family, items, rows) => {
      await onBackend(async (backend) => {
        const { model } = await tinyTransformer({ family, backend });
        const together = await all(model, Mask.empty, items, rows);
        for (const { index, ...score } of together) {
          const [alone] = await all(model, Mask.empty, [items[index]], 60);
          expect(score).toEqual({ nats: alone.nats, greedy: alone.greedy });
        }
        model.free();
      });
    },
  );
});

test.prop([fc.array(id, { minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 4 })], { numRuns: 10 })(
  'what the model itself would write is greedy, and nothing else is',
  async (context, length) => {
    const { model } = await tinyTransformer();
    const written: number[] = [];
    for (let token = 0; token < length; token++) {
      const logits = await forward(model, [Int32Array.from([...context, ...written])], Mask.empty);
      const last = logits[logits.length - 1];
      written.push(last.indexOf(last.reduce((a, b) => Math.max(a, b))));
    }
    const other = written.with(length - 1, (written[length - 1] + 1) % TINY_VOCAB);
    const items = [written, other].map((continuation) => ({ context, continuation }));
    expect((await all(model, Mask.empty, items, 60)).map(({ greedy }) => greedy)).toEqual([true, false]);
  },
);

test.prop([fc.array(id, { minLength: 2, maxLength: 12 }), fc.nat()], { numRuns: 15 })(
  'a continuation is as likely as its parts one after the other, and as its perplexity says',
  async (ids, place) => {
    const { model } = await tinyTransformer();
    const at = 1 + (place % (ids.length - 1));
    const cut = (from: number, to: number): Continuation => ({
      context: ids.slice(0, from),
      continuation: ids.slice(from, to),
    });
    const items = [cut(1, ids.length), cut(at, ids.length), ...(at > 1 ? [cut(1, at)] : [])];
    const [whole, ...parts] = await all(model, Mask.empty, items, 60);
    expect(parts.reduce((sum, { nats }) => sum + nats, 0)).toBeCloseTo(whole.nats, 9);
    const [nll] = await model.nll([Int32Array.from(ids)], Mask.empty);
    expect(whole.nats).toBe(nll.reduce((sum, one) => sum - one, 0));
  },
);

/** A model whose walks are counted. */
async function counted(): Promise<{ model: Transformer; walks: number[][] }> {
  const { model } = await tinyTransformer();
  const walks: number[][] = [];
  const walk = model.walk.bind(model);
  model.walk = (ids, ...rest) => {
    walks.push([ids.length, ids[0].length]);
    return walk(ids, ...rest);
  };
  return { model, walks };
}

describe('what goes through the model', () => {
  it('is read once for all single tokens after one context, and never more rows than asked for', async () => {
    const { model, walks } = await counted();
    const answers = Array.from({ length: 10 }, (_, answer) => ({ context: [1, 2, 3], continuation: [answer] }));
    await all(model, Mask.empty, answers, 10);
    expect(walks).toEqual([[1, 3]]);
    walks.length = 0;
    // Rows of the head are bounded too: ten predictions take three heads of four.
    await all(model, Mask.empty, answers, 4);
    expect(walks).toEqual([
      [1, 3],
      [1, 3],
      [1, 3],
    ]);
  });

  test.prop([someItems, someRows], { numRuns: 10 })('is never padded, and fits the rows', async (items, rows) => {
    const { model, walks } = await counted();
    await all(model, Mask.empty, items, rows);
    for (const [sequences, length] of walks) expect(sequences * length).toBeLessThanOrEqual(rows);
    const lengths = walks.map(([, length]) => length);
    expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
    const read = new Set(items.map(({ context, continuation }) => [...context, ...continuation].slice(0, -1).join()));
    // Each distinct sequence once, or once more where the head's rows are full.
    expect(walks.reduce((sum, [sequences]) => sum + sequences, 0)).toBeGreaterThanOrEqual(read.size);
  });
});

it('results come before all is computed, and whoever leaves frees everything', async () => {
  const { model } = await tinyTransformer();
  const before = model.backend.bytesInUse();
  const items = [3, 2, 1].map((length) => ({ context: [1, 2, 3].slice(0, length), continuation: [4] }));
  for await (const { index } of logLikelihoods(model, Mask.empty, items, 3)) {
    expect(index).toBe(0);
    break;
  }
  model.free();
  expect(model.backend.bytesInUse()).toBeLessThanOrEqual(before);
});

it('no items give no results', async () => {
  const { model } = await tinyTransformer();
  expect(await all(model, Mask.empty, [], 1)).toEqual([]);
});

const long = Array.from({ length: TINY_CONTEXT }, () => 1);
it.each<[string, Continuation, number, typeof DataError | typeof UsageError, RegExp]>([
  ['an empty context', { context: [], continuation: [1] }, 9, DataError, /^item 1: has an empty context.*BOS/],
  ['an empty continuation', { context: [1], continuation: [] }, 9, DataError, /^item 1: has an empty continuation/],
  ['an id outside', { context: [1], continuation: [TINY_VOCAB] }, 9, DataError, /^item 1: token id 37 is outside/],
  ['half an id', { context: [1.5], continuation: [1] }, 9, DataError, /^item 1: token id 1\.5/],
  ['one below', { context: [1, -1], continuation: [1] }, 9, DataError, /^item 1: token id -1/],
  ['too long', { context: long, continuation: [1, 2] }, 99, DataError, /^item 1: 66 tokens are too many.*64/],
  ['too few rows', { context: [1, 2, 3], continuation: [1] }, 2, UsageError, /^item 1: 3 tokens do not fit 2 rows/],
  ['no rows', { context: [1], continuation: [1] }, 0, UsageError, /^rows: must be a whole number/],
  ['half rows', { context: [1], continuation: [1] }, 2.5, UsageError, /^rows: must be a whole number/],
])('%s is refused before anything is computed', async (_, item, rows, kind, message) => {
  const { model, walks } = await counted();
  const items = [{ context: [1], continuation: [1] }, item];
  await expect(all(model, Mask.empty, items, rows)).rejects.toThrow(kind);
  await expect(all(model, Mask.empty, items, rows)).rejects.toThrow(message);
  expect(walks).toEqual([]);
});

it('the longest item that the context holds is scored', async () => {
  const { model } = await tinyTransformer();
  const [{ nats }] = await all(model, Mask.empty, [{ context: long, continuation: [1] }], TINY_CONTEXT);
  expect(nats).toBeLessThan(0);
});

it('a likelihood that is not finite is an error of the whole model, and a result of a masked one', async () => {
  const { model } = await tinyTransformer({
    edit: (tensors) => {
      for (const [name, tensor] of tensors) if (/layers\.1\.mlp\.down/.test(name)) tensor.data.fill(NaN);
    },
  });
  const item = { context: [1, 2], continuation: [3] };
  await expect(all(model, Mask.empty, [item], 9)).rejects.toThrow(NonFiniteError);
  await expect(all(model, Mask.empty, [item], 9)).rejects.toThrow(/^item 0: .*L1\.mlp/);
  const [masked] = await all(model, Mask.parse('L1.mlp', model.config), [item], 9);
  expect(masked.nats).toBeLessThan(0);
  const [other] = await all(model, Mask.parse('L0.mlp', model.config), [item], 9);
  expect(other).toEqual({ index: 0, nats: NaN, greedy: false });
});

it('of equal logits the lowest id is the greedy one', async () => {
  const { model } = await tinyTransformer({
    edit: (tensors) => {
      for (const [name, tensor] of tensors) if (name === 'lm_head.weight') tensor.data.fill(0);
    },
  });
  const items = [0, 1].map((token) => ({ context: [1, 2], continuation: [token] }));
  const found = await all(model, Mask.empty, items, 9);
  expect(found.map(({ greedy }) => greedy)).toEqual([true, false]);
  for (const { nats } of found) expect(nats).toBeCloseTo(-Math.log(TINY_VOCAB), 6);
});

const models = goldenNames('hf', '');
describe.skipIf(models.length === 0)('golden models (skipped without the golden data)', () => {
  it.each(models)('%s: the last token’s likelihood is that of Hugging Face’s logits', async (name) => {
    const opened = await openModel(sharedPath('golden', 'hf', name));
    const { ids, row7 } = goldenOf(name);
    const backend = await onReference.open();
    const model = await Transformer.load(opened.weights, backend, 2 ** 24);
    const most = row7.reduce((a, b) => Math.max(a, b));
    const total = Math.log(row7.reduce((sum, logit) => sum + Math.exp(logit - most), 0)) + most;
    const best = row7.indexOf(most);
    const context = ids[0].slice(0, 8);
    const items = [ids[0][8], best].map((token) => ({ context, continuation: [token] }));
    for (const { index, nats, greedy } of await all(model, Mask.empty, items, 64)) {
      const [token] = items[index].continuation;
      expect(Math.abs(nats - (row7[token] - total))).toBeLessThan(1e-4);
      expect(greedy).toBe(token === best);
    }
    model.free();
    await opened.close();
  });
});
