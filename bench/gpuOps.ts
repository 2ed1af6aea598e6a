/** Every op of the contract at growing sizes on every engine: the curves of time against size. */
import { expectSame } from './agree.ts';
import { timeQueued, type Pace } from './batch.ts';
import { isYardstick, type Engine } from './gpuEngines.ts';
import { kernelCases, type OpCase, type Sizes } from './kernelCases.ts';
import type { Row } from './document.ts';

export interface OpSizes {
  /** Rows of x; for attention, keys. Ascending. */
  rows: readonly number[];
  hidden: number;
  intermediate: number;
  /** Ids of a tile of the head. */
  tile: number;
  /** Milliseconds after which an engine is given nothing larger of an op. */
  longest: number;
}

/** Rows with the figures of each op, size and engine. @throws Error for a result other than simd's. */
export async function opRows(engines: readonly Engine[], sizes: OpSizes, pace: Pace): Promise<Row[]> {
  const cases = sizes.rows.map((rows) => kernelCases(sizesOf(rows, sizes)));
  const rows: Row[] = [];
  for (const [index, { name }] of cases[0].entries()) {
    console.error(`bench:gpu: ${opOf(name)}`);
    let running = engines;
    for (const [at, size] of sizes.rows.entries()) {
      const op = cases[at][index];
      const found = await point(op, size, running, pace);
      rows.push(...found);
      const growth = (cases[at + 1]?.[index].amount ?? 0) / op.amount;
      running = running.filter((_, which) => found[which].value * growth <= sizes.longest);
      if (!running.some(isYardstick)) break;
    }
  }
  return rows;
}

function sizesOf(rows: number, { hidden, intermediate, tile }: OpSizes): Sizes {
  return { linear: [[rows, hidden, intermediate]], keys: [rows], rows, hidden, intermediate, tile };
}

/** `nllTile f64 32×576×4096` → `nllTile f64`: the name without its sizes. */
function opOf(name: string): string {
  return name.replace(/ \d.*$/, '');
}

/** One op at one size on all of the engines, which take turns. */
async function point(op: OpCase, size: number, engines: readonly Engine[], pace: Pace): Promise<Row[]> {
  const yardstick = engines.find(isYardstick);
  if (yardstick === undefined) throw new Error('there is no simd to compare with.');
  const prepared = engines.map((engine) => ({ engine, ...op.prepare(engine.backend) }));
  const expected = await prepared[engines.indexOf(yardstick)].result();
  for (const { engine, result } of prepared) expectSame(`${op.name} on ${engine.name}`, await result(), expected);
  const measured = await timeQueued(
    prepared.map(({ engine, run }) => ({ run, finish: engine.finish, threads: engine.threads })),
    pace,
  );
  for (const { engine, close } of prepared) {
    close();
    await engine.finish();
  }
  return prepared.map(({ engine }, which): Row => {
    const { name, threads } = engine;
    const figures = measured[which];
    const curve = { op: opOf(op.name), size };
    return { name: op.name, engine: name, threads, unit: 'ms', ...figures, share: null, curve };
  });
}
