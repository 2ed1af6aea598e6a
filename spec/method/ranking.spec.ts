/** Orders of removal: by score, by seed, from the end; and what "plus" keeps. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { NonFiniteError, UsageError } from '../../src/errors.ts';
import { Mask } from '../../src/model/mask.ts';
import { candidatesLeft, type Candidate, type PruneKind } from '../../src/prune/candidates.ts';
import type { Method } from '../../src/prune/method.ts';
import { methods } from '../../src/prune/methods/all.ts';
import { random } from '../../src/prune/methods/random.ts';
import { rank, rankingMethod } from '../../src/prune/methods/ranking.ts';
import { reverse } from '../../src/prune/methods/reverse.ts';
import { run } from '../../src/prune/run.ts';
import { layersOf } from '../model/layers.ts';
import { drain } from '../prune/tinySearch.ts';
import { finish, methodRun, resultOf, scoresOf } from './tinyMethod.ts';

const candidates = candidatesLeft('mix', layersOf(4), Mask.empty);
/** A method whose scores are given. */
const given = (scores: readonly number[]): Method =>
  rankingMethod({
    name: 'given',
    summary: 'scores as given',
    paper: null,
    needs: [],
    defaults: {},
    score: () => [...scores],
  });
const everything = { stop: { ratio: 0.9999, ratioOf: 'blocks' } } as const;

const someScores = fc.array(fc.oneof(fc.double(), fc.constantFrom(0, -0, 1, NaN, Infinity, -Infinity)), {
  minLength: candidates.length,
  maxLength: candidates.length,
});

describe('rank', () => {
  test.prop([someScores])('orders by ascending score; NaN goes last, and equals as they stood', (scores) => {
    const order = rank(candidates, scores);
    expect(new Set(order)).toEqual(new Set(candidates));
    const places = order.map((candidate) => candidates.indexOf(candidate));
    for (const [index, place] of places.slice(1).entries()) {
      const [a, b] = [scores[places[index]], scores[place]];
      if (Number.isNaN(a)) expect(b).toBeNaN();
      else if (!Number.isNaN(b)) expect(a).toBeLessThanOrEqual(b);
      if (a === b || (Number.isNaN(a) && Number.isNaN(b))) expect(places[index]).toBeLessThan(place);
    }
  });
});

describe('a method that scores once', () => {
  test.prop([someScores.filter((scores) => scores.some((score) => !Number.isNaN(score)))], { numRuns: 20 })(
    'removes in the order of its scores, and warns of each that is NaN',
    async (scores) => {
      const { options } = await methodRun(given(scores), everything, { layers: 4 });
      const { events, result } = await drain(run(options));
      expect(result.removed).toEqual(rank(candidates, scores).map(({ name }) => name));
      const lost = candidates.filter((_, index) => Number.isNaN(scores[index]));
      expect(events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))).toEqual(
        lost.map(({ name }) => `the score of ${name} is NaN: it goes last.`),
      );
      for (const [index, score] of scores.entries()) {
        const { name } = candidates[index];
        const expected = Number.isFinite(score)
          ? { block: name, score }
          : { block: name, score: null, status: Number.isNaN(score) ? 'nan' : 'infinite' };
        expect(result.scores?.[index]).toEqual(expected);
      }
    },
  );

  it('refuses to go by scores that are all NaN', async () => {
    await expect(resultOf(given([NaN, NaN, NaN, NaN, NaN, NaN]))).rejects.toThrow(NonFiniteError);
  });

  it.each([[[]], [[1, 2, 3]], [[1, 2, 3, 4, 5, 6, 7]]])('refuses %j for six candidates', async (scores) => {
    await expect(resultOf(given(scores))).rejects.toThrow(/method given scored \d of 6 candidates/);
  });
});

describe('--plus', () => {
  const ranking = methods.filter(({ name }) => name !== 'blockpruner');
  const touched = (names: readonly string[]): Set<string> => new Set(names.map((name) => name.split('.')[0]));

  it.each(ranking.map((method) => [method.name, method] as const))(
    '%s removes no layer from 0 to 3, nor the last two',
    async (_, method) => {
      for (const kind of ['mix', 'layer'] as const) {
        const more = { kind, settings: { plus: true }, stop: { ratio: 0.9 } };
        const { removed, stoppedBy, scores } = await resultOf(method, more, { layers: 8 });
        expect(touched(removed)).toEqual(new Set(['L4', 'L5']));
        expect(removed).toHaveLength(4);
        expect(stoppedBy).toBe('no candidate left');
        // Scores are told of all.
        expect(scores).toHaveLength(kind === 'mix' ? 16 : 8);
      }
    },
  );

  it('removes the rest in the same order', async () => {
    const all = await resultOf(random, everything, { layers: 9 });
    const some = await resultOf(random, { settings: { plus: true }, stop: { blocks: 6 } }, { layers: 9 });
    expect(some.removed).toEqual(all.removed.filter((name) => /^L[456]\./.test(name)));
  });

  it.each([1, 5, 6])('on %i layers nothing is left, and it says so', async (layers) => {
    const { options, sink } = await methodRun(random, { settings: { plus: true }, stop: { ratio: 0.1 } }, { layers });
    await expect(finish(options)).rejects.toThrow(UsageError);
    await expect(finish(options)).rejects.toThrow(`the model has ${layers} layer`);
    expect(sink.all).toEqual([]);
  });

  it('leaves less than is asked for, and says so', async () => {
    const more = { settings: { plus: true }, stop: { blocks: 5 } };
    await expect(resultOf(random, more, { layers: 8 })).rejects.toThrow('--blocks 5: --plus leaves 4 blocks to remove');
  });

  it('is off by default', async () => {
    expect((await resultOf(random)).method?.settings).toEqual({ seed: 0, plus: false });
  });
});

describe('random', () => {
  const orderOf = async (seed: number): Promise<string[]> =>
    (await resultOf(random, { settings: { seed }, ...everything })).removed;

  it('repeats by its seed and differs by its seed', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 8; seed++) {
      const order = await orderOf(seed);
      expect(await orderOf(seed)).toEqual(order);
      seen.add(order.join(' '));
    }
    // Of 720 orders.
    expect(seen.size).toBeGreaterThan(6);
  });

  it('is not the same order in another place: each candidate comes first for some seed', async () => {
    const firsts = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      firsts.add((await resultOf(random, { settings: { seed }, stop: { blocks: 1 } })).removed[0]);
    }
    expect(firsts.size).toBe(6);
  });

  it('has draws from 0 to 1 for scores', async () => {
    for (const score of Object.values(scoresOf(await resultOf(random)))) {
      expect(score).toBeGreaterThanOrEqual(0);
      expect(score).toBeLessThan(1);
    }
  });

  it.each([-1, 0.5, NaN, Infinity, 2 ** 53, '7'])('refuses the seed %s', async (seed) => {
    await expect(resultOf(random, { settings: { seed } })).rejects.toThrow(
      "setting 'seed' of method random is a whole number from 0 on",
    );
  });

  it('of another seed does not go on with a journal', async () => {
    const { options, sink } = await methodRun(random);
    await finish(options);
    const other = await methodRun(random, { settings: { seed: 1 } }, {}, sink.all);
    await expect(finish(other.options)).rejects.toThrow('other settings');
  });
});

describe('reverse', () => {
  it.each<[PruneKind, string]>([
    ['mix', 'L2.mlp L2.mha L1.mlp L1.mha L0.mlp L0.mha'],
    ['mha', 'L2.mha L1.mha L0.mha'],
    ['mlp', 'L2.mlp L1.mlp L0.mlp'],
    ['layer', 'L2.mha L2.mlp L1.mha L1.mlp L0.mha L0.mlp'],
  ])('%s: from the last block back', async (kind, order) => {
    expect((await resultOf(reverse, { kind, stop: { ratio: 0.9999 } })).removed.join(' ')).toBe(order);
  });
});

describe('a method of somebody else', () => {
  const base = given([1, 2, 3, 4, 5, 6]);

  it('that ends without a search is refused', async () => {
    const method: Method = {
      ...base,
      async *run() {
        yield { type: 'scoring', fraction: 1 };
        return [];
      },
    };
    await expect(resultOf(method)).rejects.toThrow(/method given ended without a measured result.*subject\.search/);
  });

  it('whose edits are not what was measured is refused', async () => {
    const method: Method = {
      ...base,
      async *run(subject, _, stop) {
        yield* subject.search({ stop });
        return [{ type: 'remove', blocks: [{ layer: 0, kind: 'mha' }] }];
      },
    };
    await expect(resultOf(method)).rejects.toThrow(/method given returned edits that are not what its search removed/);
  });

  it('whose edits nobody measured is refused', async () => {
    const method: Method = {
      ...base,
      async *run(subject, _, stop) {
        const { blocks } = yield* subject.search({ stop });
        const values = (): Promise<Float32Array> => Promise.resolve(new Float32Array(0));
        return [
          { type: 'remove', blocks },
          { type: 'rewrite', tensor: 'model.norm.weight', values },
        ];
      },
    };
    await expect(resultOf(method)).rejects.toThrow(UsageError);
  });

  it('that uses gradients without naming the need is refused', async () => {
    const method: Method = {
      ...base,
      async *run(subject) {
        await subject.gradients();
        yield { type: 'scoring', fraction: 1 };
        return [];
      },
    };
    await expect(resultOf(method)).rejects.toThrow("does not list 'gradients' in its needs");
  });

  it('may order as it likes, twice the same block excepted', async () => {
    const ordered = (order: readonly Candidate[]): Method => ({
      ...base,
      async *run(subject, _, stop) {
        return [{ type: 'remove', blocks: (yield* subject.search({ stop, order })).blocks }];
      },
    });
    const [a, b, c] = candidatesLeft('mix', layersOf(3), Mask.empty);
    expect((await resultOf(ordered([c, a, b]))).removed).toEqual([c.name, a.name]);
    await expect(resultOf(ordered([a, a]))).rejects.toThrow(/names L0\.mha twice/);
  });
});
