/**
 * `npm run bench:gpu` runs on whatever is here, names what is not, and says from which size on a
 * mode wins.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSame } from '../../bench/agree.ts';
import { crossoverChart } from '../../bench/crossoverChart.ts';
import { crossover, curvesOf, type Point } from '../../bench/curves.ts';
import { curveTables } from '../../bench/curveTables.ts';
import { BENCH_SCHEMA, type BenchDocument, type Row } from '../../bench/document.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('npm run bench:gpu -- --quick', () => {
  let rows: readonly Row[];
  let notes: readonly string[];
  let document: BenchDocument;
  beforeAll(async () => {
    const file = fileURLToPath(new URL('../../bench/gpu.ts', import.meta.url));
    await promisify(execFile)(process.execPath, [file, '--quick', '--out', folder, '--name', 'quick']);
    document = JSON.parse(readFileSync(join(folder, 'quick.json'), 'utf8')) as BenchDocument;
    ({ rows = [], notes = [] } = document.runs.gpu ?? {});
  });

  const ofEngine = (part: string): Row[] => rows.filter(({ engine }) => engine.includes(part));
  const hasWebGpu = (): boolean => ofEngine('gpu (webgpu').length > 0;

  it('times every op at more than one size, and a whole model, on reference, simd and the modes that always run', () => {
    const threads = [...new Set([1, availableParallelism()])];
    for (const [engine, counts] of [
      ['reference', [1]],
      ['simd', threads],
      ['gpu (webasm)', [0]],
      ['gpu (cpu)', [0]],
    ] as const) {
      const found = ofEngine(engine);
      expect(new Set(found.map((row) => row.threads))).toEqual(new Set(counts));
      const curves = curvesOf(found);
      // Eleven ops that models are composed of, and three statistics.
      expect(curves).toHaveLength(14 * counts.length);
      expect(new Set(found.filter(({ curve }) => curve === undefined).map(({ unit }) => unit))).toEqual(
        new Set([...(engine === 'simd' && hasWebGpu() ? ['GFLOP/s'] : []), 'tokens/s', 'seconds']),
      );
    }
    expect(Math.min(...curvesOf(ofEngine('simd')).map(({ points }) => points.length))).toBeGreaterThan(1);
  });

  it('climbs the ladder and counts a call on webgpu, or says what is missing', () => {
    const missing = notes.filter((note) => /^webgpu was not measured: ./.test(note));
    expect(missing).toHaveLength(hasWebGpu() ? 0 : 1);
    const rungs = rows.filter(({ name, threads }) => name.startsWith('matmul ') && threads === 0);
    const calls = rows.filter(({ name }) => name.startsWith('a call: '));
    expect(rungs.map(({ unit }) => unit)).toEqual(hasWebGpu() ? Array(5).fill('GFLOP/s') : []);
    expect(calls.map(({ unit }) => unit)).toEqual(hasWebGpu() ? Array(8).fill('µs') : []);
  });

  it('never calls software a GPU', () => {
    const software = rows.some(({ engine }) => engine.includes('software'));
    if (software)
      expect(notes).toContainEqual(expect.stringMatching(/^webgpu ran on .*, software: this is not a GPU\.$/));
    if (software || !hasWebGpu()) expect(notes).toContainEqual(expect.stringMatching(/^There is no GPU here/));
  });

  it('has positive figures only, and no two rows for the same thing', () => {
    for (const { value } of rows) {
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(Infinity);
    }
    const keys = rows.map(({ name, engine, threads, unit }) => [name, engine, threads, unit].join());
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('writes the plot beside the document, and the curves side by side into the table', () => {
    const files = ['quick.crossover.svg', 'quick.json', 'quick.md', 'quick.svg'];
    expect(readdirSync(folder).toSorted()).toEqual(files);
    expect(readFileSync(join(folder, 'quick.crossover.svg'), 'utf8')).toBe(crossoverChart(document));
    expect(readFileSync(join(folder, 'quick.md'), 'utf8')).toContain(curveTables(rows).join('\n'));
  });
});

const curve: fc.Arbitrary<Point[]> = fc
  .uniqueArray(fc.record({ size: fc.integer({ min: 1, max: 12 }), ms: fc.integer({ min: 1, max: 5 }) }), {
    selector: ({ size }) => size,
  })
  .map((points) => points.toSorted((a, b) => a.size - b.size));

describe('crossover', () => {
  test.prop([curve, fc.array(curve, { maxLength: 2 })])(
    'is where a curve gets below all others for good',
    (points, others) => {
      const shared = points.filter(({ size }) => others.flat().some((point) => point.size === size));
      const wins = ({ size, ms }: Point): boolean =>
        others.flat().every((other) => other.size !== size || ms < other.ms);
      const lost = shared.findLast((point) => !wins(point))?.size ?? -Infinity;
      expect(crossover(points, others)).toBe(shared.find(({ size }) => size > lost)?.size ?? null);
    },
  );
});

describe('table and plot of curves', () => {
  const engines = [
    ['simd (plain)', 1],
    ['simd (plain)', 2],
    ['gpu (webgpu, <b>)', 0],
  ] as const;
  const row: fc.Arbitrary<Row> = fc
    .record({
      engine: fc.constantFrom(...engines),
      op: fc.constantFrom('linear', 'add'),
      size: fc.integer({ min: 1, max: 5000 }),
      value: fc.double({ min: 1e-5, max: 1e5, noNaN: true }),
    })
    .map(({ engine: [engine, threads], op, size, value }) => {
      const figures = { value, spread: null, rounds: 1, byCpu: null, cpus: null, share: null };
      return { name: `${op} ${size}`, engine, threads, unit: 'ms', ...figures, curve: { op, size } };
    });
  const some = fc.uniqueArray(row, {
    minLength: 1,
    maxLength: 20,
    selector: ({ name, engine, threads }) => name + engine + threads,
  });

  test.prop([some])('show every figure once, and keep foreign names text', (rows) => {
    const machine = { processor: 'P', threads: 2, memoryGiB: 8, system: 's', node: 'v', v8: '1' };
    const run = { date: '', command: '', commit: null, quick: false, machine, load: [0, 0] as [number, number] };
    const runs = { gpu: { ...run, peaks: [], rows } };
    const svg = crossoverChart({ schema: BENCH_SCHEMA, runs }) ?? '';
    expect(svg.match(/<circle /g)).toHaveLength(rows.length);
    expect(svg).not.toMatch(/NaN|<b>/);
    const [times, verdicts] = curveTables(rows).join('\n').split('The size from which');
    const cells = times.match(/(?<=\d \|.*) [\d.,·⁻⁰-⁹]+ (?=\|)/g) ?? [];
    expect(cells).toHaveLength(rows.length);
    expect(verdicts.match(/^\| (?:linear|add) /gm)).toHaveLength(new Set(rows.map(({ curve: of }) => of?.op)).size);
  });

  it('are nothing where there are no curves', () => {
    expect(crossoverChart({ schema: BENCH_SCHEMA, runs: {} })).toBeNull();
    expect(curveTables([])).toEqual([]);
  });
});

describe('expectSame', () => {
  const values = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 50 });

  test.prop([values, fc.nat(), fc.constantFrom(0.01, -0.01, NaN)])('refuses a wrong number', (numbers, place, off) => {
    const expected = Float32Array.from([100, ...numbers]);
    const found = expected.slice();
    expectSame('x', found, expected);
    found[place % found.length] += off === off ? 100 * off : off;
    expect(() => expectSame('x', found, expected)).toThrow(/^x: /);
    expect(() => expectSame('x', found.subarray(1), expected)).toThrow('values');
  });

  test.prop([fc.integer({ min: 1, max: 9_000 })])('looks at no place beyond the end, whatever the length', (length) => {
    const ones = new Float32Array(length).fill(1);
    expectSame('x', ones, ones);
  });
});
