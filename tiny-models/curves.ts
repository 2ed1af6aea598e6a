/**
 * Does the search find what can go? Perplexity by the share of block parameters removed, in BlockPruner's order, layer by
 * layer, and in random orders. The searches look at one text, all curves are measured on another.
 *
 *   node tiny-models/curves.ts tiny-models/shakespeare --calibration tiny-models/data/shakespeare-train.txt
 *        --validation tiny-models/data/shakespeare-valid.txt
 *
 * Writes curves.json and curves.svg to the model's folder.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { selectBackend } from '../src/backends/select.ts';
import { loadChunks } from '../src/cli/evalOptions.ts';
import type { Chunks } from '../src/eval/chunks.ts';
import { perplexity } from '../src/eval/perplexity.ts';
import { openModel } from '../src/formats/openModel.ts';
import type { BlockId } from '../src/model/blockId.ts';
import { Mask } from '../src/model/mask.ts';
import { countParameters } from '../src/model/parameters.ts';
import { walkOf } from '../src/model/walk.ts';
import { memoryJournal } from '../src/platform/journalSink.ts';
import { nodeHasher } from '../src/platform/nodeHash.ts';
import { nodeSpawnWorker } from '../src/platform/nodeThreads.ts';
import { nodeWidenVectors } from '../src/platform/nodeVectors.ts';
import { Journal } from '../src/prune/journal.ts';
import { ratios } from '../src/prune/ratios.ts';
import { localPricer } from '../src/prune/pricing/localPricer.ts';
import { search } from '../src/prune/search.ts';
import { openSession } from '../src/session/session.ts';
import { seededRng } from '../src/tensor/rng.ts';
import { formatPercent } from '../src/drawing/numbers.ts';
import { renderCurves, type Curve, type CurvePoint } from './curvesDrawing.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    calibration: { type: 'string' },
    validation: { type: 'string' },
    tokens: { type: 'string', default: '8192' },
    orders: { type: 'string', default: '20' },
  },
});
const [folder] = positionals;
const { calibration, validation } = values;
if (folder === undefined || calibration === undefined || validation === undefined) {
  throw new Error('usage: node tiny-models/curves.ts MODEL --calibration FILE.txt --validation FILE.txt');
}

/** Curves end where this share of the blocks is gone: beyond, nothing is left to tell apart. */
const MOST_REMOVED = 0.7;
const MEMORY = 2 ** 29;

const opened = await openModel(folder);
const { config } = opened.weights;
const node = { spawn: nodeSpawnWorker, widen: nodeWidenVectors };
const session = await openSession(
  opened.weights,
  (memoryBytes) => selectBackend({ name: 'auto', threads: 2, memoryBytes, ...node }),
  MEMORY,
  { chunk: config.maxPositionEmbeddings, streams: walkOf(config).length },
);
const { model, backend } = session;
const counts = countParameters(opened.weights);
const most = Math.floor(walkOf(model.config).length * MOST_REMOVED);
const tokens = Number(values.tokens);
const chunk = config.maxPositionEmbeddings;
const read = (data: string): Promise<Chunks> =>
  loadChunks({ data: [data], field: 'text', tokens, chunk, bos: 'none', join: '\\n\\n', nllSum: 'f64' }, opened);
const searched = await read(calibration);
const measured = await read(validation);

const dense = await perplexity(model, measured, Mask.empty, 4);
const curves: Curve[] = [];
for (const kind of ['mix', 'layer'] as const) {
  const order = await removalOrder(kind);
  curves.push({ name: kind === 'mix' ? 'BlockPruner' : 'layer by layer', points: await curveOf(order) });
}
const rng = seededRng(1);
const random: CurvePoint[][] = [];
for (let order = 0; order < Number(values.orders); order++) {
  const blocks = shuffled(walkOf(model.config)).slice(0, most);
  random.push(await curveOf(blocks.map((block) => [block])));
}
curves.push({ name: `random, mean of ${random.length}`, points: meanCurve(random) });

const document = {
  model: opened.description,
  backend: backend.description,
  calibration: { data: calibration, tokens: searched.ids.length * chunk },
  validation: { data: validation, tokens: measured.ids.length * chunk, chunk },
  dense: dense.ppl,
  curves,
};
writeFileSync(join(folder, 'curves.json'), `${JSON.stringify(document, null, 1)}\n`);
writeFileSync(join(folder, 'curves.svg'), renderCurves(curves));
for (const { name, points } of curves) {
  const figures = points.map(({ removed, ppl }) => `${formatPercent(removed)}: ${ppl.toFixed(2)}`);
  process.stdout.write(`${name}: ${figures.join('  ')}\n`);
}
await session.close();
await opened.close();

/** What the search removes, step by step. */
async function removalOrder(kind: 'mix' | 'layer'): Promise<(readonly BlockId[])[]> {
  const header = { weights: '', config: '', tokens: '', settings: '', backend: '' };
  const journal = await Journal.open(memoryJournal(), header, nodeHasher);
  const pricer = localPricer(model, searched, { groupSize: 8 });
  const order: (readonly BlockId[])[] = [];
  for await (const event of search({ model, chunks: searched, journal, pricer }, { kind, stop: { blocks: most } })) {
    if (event.type === 'step' && event.removed !== null) order.push(event.removed.blocks);
  }
  return order;
}

async function curveOf(order: readonly (readonly BlockId[])[]): Promise<CurvePoint[]> {
  const points: CurvePoint[] = [{ removed: 0, ppl: dense.ppl }];
  let mask = Mask.empty;
  for (const blocks of order) {
    mask = mask.with(blocks);
    const { ppl } = await perplexity(model, measured, mask, 4);
    points.push({ removed: ratios(counts, mask).blocks, ppl, blocks: mask.size });
  }
  return points;
}

/** Point by point, the mean share removed and the geometric mean of the perplexities: the mean loss. */
function meanCurve(all: readonly (readonly CurvePoint[])[]): CurvePoint[] {
  const mean = (numbers: readonly number[]): number => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  return all[0].map(({ blocks }, index) => ({
    removed: mean(all.map((points) => points[index].removed)),
    ppl: Math.exp(mean(all.map((points) => Math.log(points[index].ppl)))),
    ...(blocks === undefined ? {} : { blocks }),
  }));
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(rng.int(left.length), 1)[0]);
}
