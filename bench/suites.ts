/**
 * `npm run bench:suites`: coarse comparisons with benny, each of two ways to the same end. benny runs one case after the
 * other, so a slow minute can hit one of them alone: read factors, not percentages.
 */
import { add, suite } from 'benny';
import { referenceBackend } from '../src/backends/reference/referenceBackend.ts';
import { simdBackend } from '../src/backends/simd/simdBackend.ts';
import { dequantize } from '../src/formats/gguf/dequantize.ts';
import { quantTypes, storedBytes, type QuantName } from '../src/formats/gguf/quantTypes.ts';
import { Mask } from '../src/model/mask.ts';
import { Transformer } from '../src/model/transformer.ts';
import { nodeSpawnWorker } from '../src/platform/nodeThreads.ts';
import { nodeWidenVectors } from '../src/platform/nodeVectors.ts';
import { openBenchModel, planted, wideSource } from './models.ts';
import { benchOptions } from './options.ts';
import type { Row } from './document.ts';
import { record } from './results.ts';
import { bySweep, firstCandidates, naively } from './search.ts';

interface Case {
  name: string;
  engine: string;
  threads: number;
  run: () => unknown;
}

const options = benchOptions();
const cases = options.quick ? { minSamples: 1, maxTime: 0.02, minTime: 0.005 } : { minSamples: 5, maxTime: 3 };

await record('suites', options, async () => ({
  rows: [...(await searches()), ...(await backends()), ...(await threads()), ...(await weights())],
}));

/** One step of the search on the planted model: all candidates in one walk, or one walk a candidate. */
async function searches(): Promise<Row[]> {
  const backend = await simdBackend({ memoryBytes: 64 * 2 ** 20, threads: 1, spawn: null, widen: nodeWidenVectors });
  const { model, chunks, close } = await openBenchModel(planted, backend, 2, 128);
  const candidates = firstCandidates(model);
  const rows = await compare('a search step of planted, 2×128', [
    { name: 'sweep', engine: 'simd', threads: 1, run: () => bySweep(model, chunks, candidates) },
    { name: 'naive', engine: 'simd', threads: 1, run: () => naively(model, chunks, candidates) },
  ]);
  await close();
  return rows;
}

/** A forward pass of the planted model, head included. */
async function backends(): Promise<Row[]> {
  const simd = await simdBackend({ memoryBytes: 64 * 2 ** 20, threads: 1, spawn: null, widen: nodeWidenVectors });
  const models = [
    await openBenchModel(planted, simd, 1, 128),
    await openBenchModel(planted, referenceBackend(), 1, 128),
  ];
  const rows = await compare(
    'a forward pass of planted, 128 tokens',
    models.map(({ model, chunks }) => {
      const { name } = model.backend;
      return { name: 'forward', engine: name, threads: 1, run: () => model.nll(chunks, Mask.empty) };
    }),
  );
  for (const { close } of models) await close();
  return rows;
}

/** A forward pass of two layers as wide as SmolLM2's. */
async function threads(): Promise<Row[]> {
  const source = wideSource();
  const ids = [Int32Array.from({ length: 256 }, (_, at) => (at * 37) % source.config.vocabSize)];
  const models: Transformer[] = [];
  for (const count of [1, 2]) {
    const backend = await simdBackend({
      memoryBytes: 128 * 2 ** 20,
      threads: count,
      spawn: nodeSpawnWorker,
      widen: nodeWidenVectors,
    });
    models.push(await Transformer.load(source, backend, 64 * 2 ** 20));
  }
  const rows = await compare(
    'a forward pass of two wide layers, 256 tokens',
    models.map((model, index) => {
      return { name: 'forward', engine: 'simd', threads: index + 1, run: () => model.nll(ids, Mask.empty) };
    }),
  );
  for (const model of models) {
    model.free();
    await model.backend.dispose();
  }
  return rows;
}

/** From a file's bytes to f32, for a matrix of 1536 × 576. */
async function weights(): Promise<Row[]> {
  const names: readonly QuantName[] = ['F32', 'F16', 'Q8_0', 'Q4_1', 'Q4_K'];
  return compare(
    'decoding a matrix of 1536×576',
    names.map((name) => {
      const type = quantTypes[name];
      // 0x2c2c is an F16 of 0.065, and the bytes of an F32 of 2e-12: no value is special.
      const bytes = new Uint8Array(storedBytes(type, 1536 * 576)).fill(0x2c);
      return { name, engine: 'decoder', threads: 1, run: () => dequantize(type, bytes).length };
    }),
  );
}

async function compare(title: string, compared: readonly Case[]): Promise<Row[]> {
  const label = ({ name, engine, threads: count }: Case): string => `${name}, ${engine}, ${count}`;
  const summary = await suite(title, ...compared.map((one) => add(label(one), one.run, cases)));
  const medians = compared.map((one) => {
    const result = summary.results.find(({ name }) => name === label(one));
    if (result === undefined) throw new Error(`${label(one)} was not timed.`);
    return { one, result, seconds: result.details.median };
  });
  const fastest = Math.min(...medians.map(({ seconds }) => seconds));
  return medians.map(({ one, result, seconds }): Row => {
    const note = seconds === fastest ? 'fastest' : `${(seconds / fastest).toFixed(1)} times as long`;
    const row = {
      name: `${title}: ${one.name}`,
      engine: one.engine,
      threads: one.threads,
      value: 1 / seconds,
    } as const;
    const { margin, samples } = result;
    return {
      ...row,
      unit: 'runs/s',
      spread: margin / 100,
      rounds: samples,
      byCpu: null,
      cpus: null,
      share: null,
      note,
    };
  });
}
