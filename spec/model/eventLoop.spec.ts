/**
 * Computing gives the event loop a turn when one is due: without that Ctrl-C is heard at the end
 * only.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { runInTurns, runThrough, turn, turnWhenDue } from '../../src/model/eventLoop.ts';
import { Mask } from '../../src/model/mask.ts';
import { nextTokens } from '../../src/model/transformer.ts';
import { lossAndGradients } from '../../src/autodiff/gradients.ts';
import { tinyBatch, tinyTrainee } from '../autodiff/tinyTrainee.ts';
import { tinyTransformer } from './tinyTransformer.ts';

let clock: { now: number; perCall: number };

beforeEach(async () => {
  await turn();
  clock = { now: performance.now(), perCall: 0 };
  vi.spyOn(performance, 'now').mockImplementation(() => (clock.now += clock.perCall));
});
afterEach(() => vi.restoreAllMocks());

/** Turns while `work` runs, when every look at the clock finds it `perCall` ms later. */
async function turnsOf(perCall: number, work: () => Promise<unknown>): Promise<number> {
  clock.perCall = perCall;
  const turns = vi.spyOn(globalThis, 'setImmediate').mockClear();
  await work();
  return turns.mock.calls.length;
}

describe('a turn', () => {
  it('is taken when the last one was long ago, and lets what waits run', async () => {
    expect(await turnsOf(0, turnWhenDue)).toBe(0);
    let heard = false;
    setImmediate(() => (heard = true));
    expect(await turnsOf(1000, turnWhenDue)).toBeGreaterThan(0);
    expect(heard).toBe(true);
  });

  it('changes nothing in what work gives', async () => {
    const work = function* (): Generator<void, number> {
      yield;
      yield;
      return 7;
    };
    expect(runThrough(work())).toBe(7);
    expect(await turnsOf(1000, async () => expect(await runInTurns(work())).toBe(7))).toBe(2);
  });
});

describe('computing for long has turns', () => {
  const ids = [Int32Array.of(1, 2, 3, 4)];

  it('before every block and every tile of the head', async () => {
    const { model } = await tinyTransformer({ layers: 3 });
    const plain = await model.nll(ids, Mask.empty);
    let timed: Float32Array[] = [];
    expect(await turnsOf(1000, async () => (timed = await model.nll(ids, Mask.empty)))).toBe(6 + 1);
    expect(timed).toEqual(plain);
    expect(await turnsOf(0, () => model.nll(ids, Mask.empty))).toBe(0);
  });

  it('for every stream of a head', async () => {
    const { model } = await tinyTransformer({ layers: 1 });
    const streams = [await model.embed(ids), await model.embed(ids), await model.embed(ids)];
    expect(await turnsOf(1000, () => model.headNll(streams, nextTokens(ids)))).toBe(3);
  });

  it('in a training step, forward and back', async () => {
    const trainee = tinyTrainee({ layers: 2 });
    const step = (): Promise<unknown> => lossAndGradients(referenceBackend(), trainee, [tinyBatch(1)]);
    expect(await turnsOf(1000, step)).toBeGreaterThan(4 + 4 * 5);
    expect(await turnsOf(0, step)).toBe(0);
  });
});
