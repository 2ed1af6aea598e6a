/**
 * The benches run, and their documents have the promised shape. What they measure is no business of
 * a spec.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resultsChart } from '../../bench/chart.ts';
import { BENCH_SCHEMA, benchNames, type BenchDocument, type Row } from '../../bench/document.ts';
import { machineSlug } from '../../bench/machine.ts';
import { PAIRS_BYTES, peakKernels } from '../../bench/peakModule.ts';
import { figures } from '../../bench/rounds.ts';
import { resultsTable } from '../../bench/table.ts';
import { offeredVariants } from '../../src/backends/select.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function quick(name: string): Promise<void> {
  const file = fileURLToPath(new URL(`../../bench/${name}.ts`, import.meta.url));
  await promisify(execFile)(process.execPath, [file, '--quick', '--out', folder, '--name', 'quick']);
}

describe('npm run bench -- --quick', () => {
  let document: BenchDocument;
  beforeAll(async () => {
    await quick('kernels');
    await quick('endToEnd');
    document = JSON.parse(readFileSync(join(folder, 'quick.json'), 'utf8')) as BenchDocument;
  });

  const rowsOf = (name: 'kernels' | 'endToEnd'): readonly Row[] => document.runs[name]?.rows ?? [];

  it('writes one document with a run of each bench, and a table and a chart of it', () => {
    expect(readdirSync(folder).toSorted()).toEqual(['quick.json', 'quick.md', 'quick.svg']);
    expect(document.schema).toBe(BENCH_SCHEMA);
    expect(Object.keys(document.runs)).toEqual(['kernels', 'endToEnd']);
    expect(readFileSync(join(folder, 'quick.md'), 'utf8')).toBe(resultsTable(document));
    expect(readFileSync(join(folder, 'quick.svg'), 'utf8')).toBe(resultsChart(document));
  });

  it('says where, when and under what load', () => {
    for (const run of Object.values(document.runs)) {
      expect(run).toMatchObject({ quick: true, machine: { node: process.version }, command: /^npm run bench:/ });
      expect(Date.parse(run.date)).toBeGreaterThan(0);
      expect(run.load).toHaveLength(2);
    }
  });

  it('has positive figures only, and no two rows for the same thing', () => {
    const rows = [...rowsOf('kernels'), ...rowsOf('endToEnd')];
    for (const { value, spread, share, rounds } of rows) {
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(Infinity);
      expect(spread ?? 0).toBeGreaterThanOrEqual(0);
      expect(share ?? 1).toBeGreaterThan(0);
      expect(rounds).toBeGreaterThan(0);
    }
    const keys = rows.map(({ name, engine, threads, unit }) => [name, engine, threads, unit].join());
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('times every op on every variant, with one thread and two, beside the peaks that bound it', () => {
    const rows = rowsOf('kernels');
    const engines = [...offeredVariants().map((variant) => `simd ${variant}`), 'reference'];
    for (const op of ['linear', 'attention', 'nllTile f64', 'nllTile f32', 'rmsNorm', 'layerNorm', 'rope', 'swiglu']) {
      for (const engine of engines) {
        const found = rows.filter((row) => row.name.startsWith(`${op} `) && row.engine === engine);
        expect(found.map(({ threads }) => threads)).toEqual(engine === 'reference' ? [1] : [1, 2]);
        for (const { share } of found) expect(share === null).toBe(engine === 'reference');
      }
    }
    const peaks = document.runs.kernels?.peaks.map(({ name }) => name) ?? [];
    expect(peaks).toEqual(expect.arrayContaining(['mulAdd', 'readCache', 'copyCache']));
    expect(peaks.includes('fma')).toBe(offeredVariants().includes('relaxed-fma'));
  });

  it('counts N(N + 1)/2 block passes for a sweep of N blocks, and N(N − 1) for the naive search', () => {
    const passes = rowsOf('endToEnd').filter(({ unit }) => unit === 'block passes');
    const by = (how: string): number[] => passes.filter(({ name }) => name.endsWith(how)).map(({ value }) => value);
    expect(new Set(by('sweep'))).toEqual(new Set([(12 * 13) / 2]));
    expect(new Set(by('naive'))).toEqual(new Set([12 * 11]));
  });
});

describe('the peak module', () => {
  it.each([true, false])('moves and adds what it says, fused = %s', (fused) => {
    const kernels = peakKernels(fused, 65_536);
    if (kernels === null) return expect(offeredVariants()).not.toContain('relaxed-fma');
    // a ← a/2 + 1 from 3, 4, … 14, eight times a turn: to 2 each in the end.
    expect(kernels.fma(1)).toBeCloseTo(24 + (102 - 24) / 2 ** 8, 5);
    expect(kernels.fma(100)).toBe(24);
    // From 0, eight times a turn.
    kernels.fmaPairs(0, 1);
    const floats = new Float32Array(kernels.memory.buffer, 0, PAIRS_BYTES / 4 + 1);
    expect([...floats]).toEqual([...Array.from({ length: PAIRS_BYTES / 4 }, () => 2 - 2 / 2 ** 8), 0]);
    const ints = new Int32Array(kernels.memory.buffer);
    for (let at = 0; at < 256; at++) ints[at] = at;
    kernels.copy(4096, 0, 1024);
    expect(ints.slice(1024, 1024 + 256)).toEqual(ints.slice(0, 256));
    expect(ints[1024 + 256]).toBe(0);
    // Lane 0 of the sums: every fourth of 0 … 255.
    expect(kernels.read(4096, 1024)).toBe((64 * 252) / 2);
  });
});

describe('figures', () => {
  const times = fc.array(fc.double({ min: 0.1, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 15 });

  test.prop([times])('are the median of the rounds, and no slow minority moves it', (milliseconds) => {
    const timings = { milliseconds, calls: 1, cpu: 1, wall: 1 };
    const { value } = figures(timings, 1, (ms) => ms);
    expect(milliseconds.filter((ms) => ms <= value).length).toBeGreaterThanOrEqual(milliseconds.length / 2);
    expect(milliseconds.filter((ms) => ms >= value).length).toBeGreaterThanOrEqual(milliseconds.length / 2);
    const disturbed = [...milliseconds, ...milliseconds, ...milliseconds].concat(milliseconds.map(() => 1e9));
    expect(figures({ ...timings, milliseconds: disturbed }, 1, (ms) => ms).value).toBeLessThan(1e9);
  });
});

describe('table and chart', () => {
  const row: fc.Arbitrary<Row> = fc.record({
    name: fc.string(),
    engine: fc.string(),
    threads: fc.constantFrom(1, 2, 8),
    unit: fc.constantFrom('GFLOP/s', 'GB/s', 'tokens/s', 'seconds', 'block passes'),
    value: fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
    spread: fc.option(fc.double({ min: 0, max: 9, noNaN: true })),
    rounds: fc.nat(),
    byCpu: fc.option(fc.double({ min: 1e-6, max: 1e9, noNaN: true })),
    cpus: fc.option(fc.double({ min: 0, max: 8, noNaN: true })),
    share: fc.option(fc.double({ min: 0, max: 2, noNaN: true })),
  });
  const machine = { processor: 'P', threads: 2, memoryGiB: 8, system: 's', node: 'v', v8: '1' };

  test.prop([fc.array(row, { maxLength: 12 }), fc.constantFrom(...benchNames)])(
    'show every row, and keep foreign names text',
    (rows, name) => {
      const conditions = { date: new Date(0).toISOString(), command: '', commit: null, quick: false, machine };
      const run = { ...conditions, load: [0, 0] as [number, number], peaks: [], rows };
      const document: BenchDocument = { schema: BENCH_SCHEMA, runs: { [name]: run } };
      expect(resultsTable(document).match(/^\| .* \|$/gm)).toHaveLength(2 + rows.length);
      const rates = rows.filter(({ unit }) => unit === 'GFLOP/s' || unit === 'GB/s' || unit === 'tokens/s');
      const svg = resultsChart(document);
      expect(svg.match(/<rect /g) ?? []).toHaveLength(rates.length);
      expect(svg).not.toMatch(/NaN|<script/);
    },
  );
});

it.each([
  ['AMD EPYC', 2, 'epyc-2core'],
  ['AMD EPYC 7763 64-Core Processor', 4, 'epyc-7763-4core'],
  ['Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz', 12, 'i7-8700k-12core'],
  ['Apple M2 Pro', 10, 'm2-pro-10core'],
])('names a file after %s with %i threads: %s', (processor, threads, slug) => {
  const rest = { memoryGiB: 1, system: '', node: '', v8: '' };
  expect(machineSlug({ processor, threads, ...rest })).toBe(slug);
});
