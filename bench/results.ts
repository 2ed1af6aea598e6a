/** Runs a bench under its conditions and files what it found. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resultsChart } from './chart.ts';
import { crossoverChart } from './crossoverChart.ts';
import { BENCH_SCHEMA, type BenchDocument, type BenchName, type BenchRun, type Peak, type Row } from './document.ts';
import { commit, load, machineSlug, thisMachine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { resultsTable } from './table.ts';

/** Runs a bench and writes its part of the results, unless it is a quick run without --out. */
export async function record(
  name: BenchName,
  options: BenchOptions,
  bench: () => Promise<{ peaks?: Peak[]; notes?: string[]; rows: Row[] }>,
): Promise<void> {
  const before = load();
  const date = new Date().toISOString();
  if (before > thisMachine().threads / 2)
    console.warn(`load average ${before}: others are at work, figures will be low.`);
  const { peaks = [], notes, rows } = await bench();
  const machine = thisMachine();
  const run: BenchRun = rounded({
    date,
    command: `npm run bench:${name}`,
    commit: commit(),
    quick: options.quick,
    machine,
    load: [before, load()],
    peaks,
    notes,
    rows,
  });
  console.log(resultsTable({ schema: BENCH_SCHEMA, runs: { [name]: run } }));
  if (options.out !== null)
    save(options.out, options.name ?? `${date.slice(0, 10)}-${machineSlug(machine)}`, name, run);
}

/** Puts a run in its place in the file, and draws table and chart anew. */
function save(folder: string, file: string, name: BenchName, run: BenchRun): void {
  mkdirSync(folder, { recursive: true });
  const path = (ending: string): string => join(folder, `${file}.${ending}`);
  const held = existsSync(path('json')) ? (JSON.parse(readFileSync(path('json'), 'utf8')) as BenchDocument) : null;
  const document: BenchDocument = {
    schema: BENCH_SCHEMA,
    runs: { ...(held?.schema === BENCH_SCHEMA ? held.runs : {}), [name]: run },
  };
  writeFileSync(path('json'), `${JSON.stringify(document, null, 1)}\n`);
  writeFileSync(path('md'), resultsTable(document));
  writeFileSync(path('svg'), resultsChart(document));
  const curves = crossoverChart(document);
  if (curves !== null) writeFileSync(path('crossover.svg'), curves);
  console.log(`written: ${path('json')}, .md, .svg${curves === null ? '' : ', .crossover.svg'}`);
}

/** Four digits are more than a bench can tell. */
function rounded(run: BenchRun): BenchRun {
  const short = (_key: string, value: unknown): unknown => {
    return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  };
  return JSON.parse(JSON.stringify(run, short)) as BenchRun;
}
