/**
 * How often a race picks wrongly, and what it saves, on losses of a real step.
 *
 * A recording goes on where an earlier one to the same file stopped.
 *
 *   node bench/race.ts record MODEL --data FILE --tokens 8192 --chunk 512 [--mask L7.mha] --out runs/step1.losses
 *   node bench/race.ts replay runs/step1.losses [--orders 1000] [--confidence 0.99]
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { selectBackend } from '../src/backends/select.ts';
import { SIMD_NOISE } from '../src/backends/simd/simdBackend.ts';
import { loadChunks, type EvalOptions } from '../src/cli/evalOptions.ts';
import { defaultMemory } from '../src/platform/nodeMachine.ts';
import { memorySize } from '../src/cli/options.ts';
import { isScored } from '../src/eval/chunks.ts';
import { openModel } from '../src/formats/openModel.ts';
import { Mask } from '../src/model/mask.ts';
import { walkOf } from '../src/model/walk.ts';
import { nodeSpawnWorker } from '../src/platform/nodeThreads.ts';
import { nodeWidenVectors } from '../src/platform/nodeVectors.ts';
import { candidatesLeft } from '../src/prune/candidates.ts';
import { replayCost, replayRace } from '../src/prune/race/raceReplay.ts';
import { raceOrder } from '../src/prune/race/raceRule.ts';
import { sweep } from '../src/prune/pricing/sweep.ts';
import { openSession } from '../src/session/session.ts';
import { knownLosses, readLossRecord, writeLossRecord, type LossRecord } from './lossRecord.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    tokens: { type: 'string' },
    chunk: { type: 'string', default: '512' },
    mask: { type: 'string', default: '' },
    threads: { type: 'string', default: '1' },
    memory: { type: 'string' },
    out: { type: 'string' },
    orders: { type: 'string', default: '1000' },
    confidence: { type: 'string', default: '0.99' },
    chunks: { type: 'string' },
  },
});

const [command, argument] = positionals;
if (command === 'record' && values.data !== undefined && values.out !== undefined) {
  await record(argument, values.data, values.out);
} else if (command === 'replay' && argument !== undefined) {
  replay(readLossRecord(argument, values.chunks === undefined ? Infinity : Number(values.chunks)));
} else {
  console.error('record MODEL --data FILE --out FILE [--tokens N] [--chunk N] [--mask M] [--threads N] [--memory 2GB]');
  console.error('replay FILE [--orders N] [--confidence C] [--chunks N]');
  process.exitCode = 2;
}

async function record(path: string, data: string, out: string): Promise<void> {
  const opened = await openModel(path);
  const memoryBytes = values.memory === undefined ? defaultMemory() : memorySize(values.memory);
  const threads = Number(values.threads);
  const tokens = values.tokens === undefined ? undefined : Number(values.tokens);
  const chunk = Number(values.chunk);
  const settings: EvalOptions = {
    data: [data],
    field: 'text',
    tokens,
    chunk,
    bos: 'auto',
    join: '\\n\\n',
    nllSum: 'f64',
  };
  const chunks = await loadChunks(settings, opened);
  const { config } = opened.weights;
  const mask = Mask.parse(values.mask, config);
  const candidates = candidatesLeft('mix', config, mask);
  const session = await openSession(
    opened.weights,
    (bytes) =>
      selectBackend({
        name: 'auto',
        threads,
        memoryBytes: bytes,
        spawn: nodeSpawnWorker,
        widen: nodeWidenVectors,
      }),
    memoryBytes,
    { chunk, streams: candidates.length },
  );
  const { model } = session;
  const before = existsSync(out) ? readLossRecord(out, Infinity) : null;
  const names = candidates.map(({ name }) => name);
  const same = [opened.description, data, mask.toString(), chunk - 1, names];
  const found = before && [before.model, before.data, before.mask, before.targets, before.candidates];
  if (found !== null && JSON.stringify(found) !== JSON.stringify(same)) {
    throw new Error(`${out} is a recording of something else.`);
  }
  const losses: Float32Array[][] = before?.losses ?? candidates.map(() => []);
  const base: Float32Array[] = before?.base ?? [];
  for (const [index, ids] of chunks.ids.entries()) {
    if (index < base.length) continue;
    const scored = (nll: Float32Array): Float32Array => nll.map((v, t) => (isScored(chunks, index, t) ? v : NaN));
    const walk = sweep(model, [ids], mask, candidates);
    let next = await walk.next();
    while (next.done !== true) next = await walk.next();
    for (const [candidate, [nll]] of next.value.candidates.entries()) losses[candidate].push(scored(nll));
    base.push(scored(next.value.base[0]));
    writeLossRecord(out, {
      model: opened.description,
      data,
      mask: mask.toString(),
      layers: model.config.layers,
      candidates: names,
      chunks: base.length,
      targets: base[0].length,
      losses,
      base,
    });
    console.error(`chunk ${index + 1} of ${chunks.ids.length}`);
  }
  await session.close();
  await opened.close();
}

function replay(recorded: LossRecord): void {
  const mask = Mask.parse(recorded.mask, recorded);
  const candidates = candidatesLeft('mix', recorded, mask);
  const walk = walkOf(recorded, mask);
  const known = knownLosses(recorded);
  const orders = Number(values.orders);
  const settings = {
    confidence: Number(values.confidence),
    margin: 2 * SIMD_NOISE,
    places: null,
    effect: null,
  };
  const wrong = new Map<string, number>();
  const cost = { race: 0, exact: 0, naive: 0 };
  let survivors = 0;
  for (let seed = 0; seed < orders; seed++) {
    const result = replayRace(known, raceOrder(recorded.chunks, seed, 1), settings);
    if (result.picked !== result.exact) {
      const name = candidates[result.picked].name;
      wrong.set(name, (wrong.get(name) ?? 0) + 1);
    }
    const spent = replayCost(walk, candidates, result.alive);
    cost.race += spent.race;
    cost.exact += spent.exact;
    cost.naive += spent.naive;
    survivors += result.survivors;
  }
  console.log(
    JSON.stringify({
      model: recorded.model,
      mask: recorded.mask,
      chunks: recorded.chunks,
      targets: recorded.targets,
      confidence: settings.confidence,
      orders,
      wrong: [...wrong.values()].reduce((sum, count) => sum + count, 0),
      wrongPicks: Object.fromEntries(wrong),
      ofExact: Number((cost.race / cost.exact).toFixed(4)),
      ofNaive: Number((cost.race / cost.naive).toFixed(4)),
      meanSurvivors: survivors / orders,
    }),
  );
}
