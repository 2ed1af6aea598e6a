/** What a subject remembers: computed once, the same bits on resume, in whatever parts. */
import { expect, it } from 'vitest';
import type { Kept } from '../../src/prune/journalPiece.ts';
import type { Method, Telling } from '../../src/prune/method.ts';
import { finish, methodRun } from './tinyMethod.ts';

/**
 * Removes in the order of what `work` gives for each candidate; counts how often parts are
 * computed.
 */
function remembering(parts: readonly (() => Kept)[]): { method: Method; computed: number[]; seen: Kept[][] } {
  const computed = parts.map(() => 0);
  const seen: Kept[][] = [];
  const method: Method = {
    name: 'remembering',
    summary: 'remembers',
    paper: null,
    needs: [],
    version: '1',
    check: () => ({}),
    async *run(subject, _, stop) {
      const values: Kept[] = [];
      for (const [index, part] of parts.entries()) {
        const compute = (): Promise<Kept> | Telling<Kept> => {
          computed[index]++;
          if (index % 2 === 0) return Promise.resolve(part());
          return (async function* (): Telling<Kept> {
            yield { type: 'scoring', fraction: 0.5 };
            return part();
          })();
        };
        values.push(yield* subject.once(`part ${index}`, compute));
      }
      seen.push(values);
      return [{ type: 'remove', blocks: (yield* subject.search({ stop })).blocks }];
    },
  };
  return { method, computed, seen };
}

const values: Kept[] = [
  [0.1, -0, NaN, Infinity, -Infinity, 5e-324],
  { name: 'L0.mha', nested: [{ deep: [1 / 3] }] },
  null,
  'text',
];

it('each part is computed once, whatever line a run is killed after, and is the same to the last bit', async () => {
  const { method, computed, seen } = remembering(values.map((value) => () => structuredClone(value)));
  const { options, sink } = await methodRun(method);
  await finish(options);
  expect(computed).toEqual([1, 1, 1, 1]);
  for (let kept = 1; kept <= 1 + values.length; kept++) {
    computed.fill(0);
    const again = await methodRun(method, {}, {}, sink.all.slice(0, kept));
    await finish(again.options);
    expect(computed).toEqual(values.map((_, index) => (index < kept - 1 ? 0 : 1)));
  }
  for (const parts of seen) expect(parts).toStrictEqual(values);
});

it('a value that is changed after it was kept changes neither the journal nor what others get', async () => {
  const shared = [1, 2, 3];
  const { method, seen } = remembering([() => shared]);
  const { options } = await methodRun(method);
  await finish(options);
  shared[0] = 99;
  expect(seen).toEqual([[[1, 2, 3]]]);
});

it('a part that fails is not kept', async () => {
  let broken = true;
  const { method } = remembering([
    () => 1,
    () => {
      if (broken) throw new Error('no luck');
      return 2;
    },
  ]);
  const { options, sink } = await methodRun(method);
  await expect(finish(options)).rejects.toThrow('no luck');
  expect(sink.all).toHaveLength(2);
  broken = false;
  const again = await methodRun(method, {}, {}, sink.all);
  expect((await finish(again.options)).removed).toHaveLength(2);
});
