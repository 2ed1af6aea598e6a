/**
 * Prunes the sorter and asks after each removal how often it still sorts. Writes problems.json, on which the command line
 * finds the same order, and prints the table of card.md.
 *
 *   node tiny-models/sorter/pruned.ts
 *   npm run -s cli -- prune tiny-models/sorter --data tiny-models/sorter/problems.json --chunk 17 --blocks 8
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { selectBackend } from '../../src/backends/select.ts';
import { loadChunks, type EvalOptions } from '../../src/cli/evalOptions.ts';
import { formatPercent } from '../../src/drawing/numbers.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { Mask } from '../../src/model/mask.ts';
import { walkOf } from '../../src/model/walk.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import { nodeWidenVectors } from '../../src/platform/nodeVectors.ts';
import { Journal } from '../../src/prune/journal.ts';
import { localPricer } from '../../src/prune/pricing/localPricer.ts';
import { search } from '../../src/prune/search.ts';
import { openSession } from '../../src/session/session.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { accuracy, drawProblems, LENGTH, SEQ_LEN } from './task.ts';

const PROBLEMS = 256;
const TESTED = 2_000;
const folder = fileURLToPath(new URL('.', import.meta.url));
const data = `${folder}problems.json`;

const { inputs, targets } = drawProblems(seededRng(4), PROBLEMS);
const ids = Array.from({ length: PROBLEMS }, (_, problem) => {
  const end = (problem + 1) * SEQ_LEN;
  return [...inputs.subarray(end - SEQ_LEN, end), targets[end - 1]];
}).flat();
writeFileSync(data, `${JSON.stringify(ids)}\n`);

const opened = await openModel(folder);
const chunk = 2 * LENGTH + 1;
const node = { spawn: nodeSpawnWorker, widen: nodeWidenVectors };
const session = await openSession(
  opened.weights,
  (memoryBytes) => selectBackend({ name: 'auto', threads: 2, memoryBytes, ...node }),
  2 ** 28,
  { chunk, streams: walkOf(opened.weights.config).length },
);
const { model } = session;
const settings: EvalOptions = { data: [data], field: 'text', chunk, bos: 'none', join: '', nllSum: 'f64' };
const chunks = await loadChunks(settings, opened);
const header = { weights: '', config: '', tokens: '', settings: '', backend: '' };
const journal = await Journal.open(memoryJournal(), header, nodeHasher);
const stop = { blocks: walkOf(model.config).length };
let mask = Mask.empty;
const row = async (step: number, removed: string, ppl: number): Promise<void> => {
  const right = await accuracy(model, mask, seededRng(5), TESTED);
  process.stdout.write(`| ${step} | ${removed} | ${ppl.toFixed(3)} | ${formatPercent(right)} |\n`);
};
const pricer = localPricer(model, chunks, { groupSize: PROBLEMS });
for await (const event of search({ model, chunks, journal, pricer }, { kind: 'mix', stop })) {
  if (event.type === 'dense') await row(0, '–', event.perplexity.ppl);
  if (event.type !== 'step' || event.removed === null) continue;
  mask = mask.with(event.removed.blocks);
  await row(event.step, event.removed.name, event.removed.perplexity.ppl);
}
await session.close();
await opened.close();
