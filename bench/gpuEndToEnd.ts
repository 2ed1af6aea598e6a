/** What a user waits for, on every engine: a forward pass with head and loss, and one step of the search by a sweep. */
import { Mask } from '../src/model/mask.ts';
import { Transformer } from '../src/model/transformer.ts';
import type { WeightSource } from '../src/model/weights.ts';
import { bundleSize } from '../src/prune/pricing/bundles.ts';
import { plural } from '../src/drawing/numbers.ts';
import { expectSame } from './agree.ts';
import { isYardstick, openEngine, type Choice, type Engine } from './gpuEngines.ts';
import type { LlamaShape } from './randomGguf.ts';
import { randomChunks, withRandomModel } from './randomModel.ts';
import { figures, interleave, untimed, type Timed } from './rounds.ts';
import type { Row } from './document.ts';
import { bySweep, firstCandidates } from './search.ts';

export interface EndToEnd {
  label: string;
  shape: LlamaShape;
  chunks: number;
  /** Tokens of a chunk. */
  length: number;
  /** Rounds of forward passes, and of sweeps. */
  rounds: readonly [forward: number, sweep: number];
  weightBytes: number;
  memoryBytes: number;
}

interface Runner {
  engine: Engine;
  model: Transformer;
  forward: Timed;
  sweep: Timed;
  /** What they found last. */
  losses: Float32Array;
  prices: Float32Array;
}

/**
 * Tokens a second of a forward pass and seconds of a search step. The engine that all are compared with, simd with all
 * cores, has to be among the choices. @throws Error for results other than its.
 */
export async function endToEndRows(choices: readonly Choice[], sizes: EndToEnd): Promise<Row[]> {
  return withRandomModel(sizes.shape, async (source) => {
    const runners: Runner[] = [];
    for (const choice of choices) runners.push(await start(choice, source, sizes));
    const yardstick = runners.find(({ engine }) => isYardstick(engine));
    if (yardstick === undefined) throw new Error('there is no simd to compare with.');
    await interleave(
      runners.map(({ forward }) => forward),
      sizes.rounds[0],
    );
    await interleave(
      runners.map(({ sweep }) => sweep),
      sizes.rounds[1],
    );
    for (const { engine, losses, prices } of runners) {
      expectSame(`${sizes.label}: losses on ${engine.name}`, losses, yardstick.losses);
      expectSame(`${sizes.label}: prices on ${engine.name}`, prices, yardstick.prices);
    }
    const rows = rowsOf(runners, yardstick, sizes);
    for (const { engine, model } of runners) {
      model.free();
      await engine.close();
    }
    return rows;
  });
}

async function start(choice: Choice, source: WeightSource, sizes: EndToEnd): Promise<Runner> {
  const { label, chunks, length, shape, weightBytes, memoryBytes } = sizes;
  const engine = await openEngine(choice, memoryBytes);
  console.error(`bench:gpu: ${label} on ${engine.name}`);
  const model = await Transformer.load(source, engine.backend, weightBytes);
  const ids = randomChunks(chunks, length, shape.vocab);
  const runner: Runner = {
    engine,
    model,
    forward: { ...untimed(), run: async () => (runner.losses = joined(await model.nll(ids, Mask.empty))) },
    sweep: { ...untimed(), run: async () => (runner.prices = joined(await searchStep(model, ids))) },
    losses: new Float32Array(),
    prices: new Float32Array(),
  };
  // Reads and packs the weights, and brings the kernels to speed; whatever a sweep runs is run here.
  await runner.forward.run();
  return runner;
}

async function searchStep(model: Transformer, ids: readonly Int32Array[]): Promise<Float32Array[]> {
  return (await bySweep(model, ids, firstCandidates(model))).prices.flat();
}

function rowsOf(runners: readonly Runner[], yardstick: Runner, { label, shape, chunks, length }: EndToEnd): Row[] {
  const what = `${chunks}×${length}`;
  const forward = runners.map(({ engine, forward: timed }): Row => {
    const measured = figures(timed, engine.threads, (milliseconds) => (1000 * chunks * length) / milliseconds);
    return { ...columns(engine), name: `${label}: forward of ${what}, head and loss`, unit: 'tokens/s', ...measured };
  });
  const sweep = runners.map(({ engine, sweep: timed }): Row => {
    const measured = figures(timed, engine.threads, (milliseconds) => milliseconds / 1000);
    const name = `${label}: search step, ${2 * shape.layers} candidates, ${what}`;
    return { ...columns(engine), name, unit: 'seconds', ...measured };
  });
  const simd = runners.indexOf(yardstick);
  return [
    ...forward.map((row) => ({ ...row, note: comparison(row.value / forward[simd].value, yardstick) })),
    ...sweep.map((row, index) => {
      const { model, engine } = runners[index];
      const size = bundleSize(model.config, chunks * length, engine.backend.stackBytes);
      const streams = Math.min(size, 2 * shape.layers);
      const note = comparison(sweep[simd].value / row.value, yardstick);
      return { ...row, note: streams === 1 ? note : `${note}; up to ${streams} streams stacked` };
    }),
  ];
}

function columns({ name, threads }: Engine): Pick<Row, 'engine' | 'threads' | 'share'> {
  return { engine: name, threads, share: null };
}

function comparison(speed: number, { engine }: Runner): string {
  return `${speed.toPrecision(3)} × the speed of simd, ${plural(engine.threads, 'thread')}`;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
