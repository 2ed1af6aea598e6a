/** A whole run over a tiny model whose tokens are bytes, for the specs of run and resumption. */
import type { Backend } from '../../src/backends/backend.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { memoryJournal, type JournalSink } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { planGroup } from '../../src/prune/pricing/plan.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { run, type RunOptions } from '../../src/prune/run.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { tinySource, type TinyOptions } from '../model/tinyTransformer.ts';
import { drain, reference, tinyChunks, watchReads } from './tinySearch.ts';

const LAYERS = 2;
const CHUNK = 8;

/** Budgets that let a sweep of `tinyRun` take one, two or all three of its chunks at a time. */
export const budgets: readonly number[] = await Promise.all([1, 2, 3].map(budgetFor));

async function budgetFor(chunks: number): Promise<number> {
  const { config } = await tinySource({ layers: LAYERS });
  const backend = await reference.make();
  let bytes = 2 ** 20;
  while (planGroup({ config, backend }, CHUNK, 2 * LAYERS, bytes) > chunks) bytes *= 0.95;
  return Math.floor(bytes);
}

export interface TinyRun {
  options: RunOptions;
  /** Names of the tensors read since the model was opened. */
  reads: string[];
}

/** Two layers, three chunks of eight tokens, all blocks to be removed; anything can be replaced. */
export async function tinyRun(
  sink: JournalSink = memoryJournal(),
  more: Partial<RunOptions> = {},
  tiny: TinyOptions = {},
  backend?: Backend,
): Promise<TinyRun> {
  const reads: string[] = [];
  const source = watchReads(await tinySource({ layers: LAYERS, seed: 3, ...tiny }), (tensor) => reads.push(tensor));
  const model = await Transformer.load(source, backend ?? (await reference.make()), 2 ** 20);
  reads.length = 0;
  const options: RunOptions = {
    model,
    tokenizer: byteTokenizer({}, 'spec'),
    chunks: tinyChunks(3, 3, CHUNK, { scoredBytes: 21 }),
    dataName: 'tiny.txt',
    kind: 'mix',
    stop: { blocks: 4 },
    activationBytes: budgets[0],
    version: '0.0.0',
    newHasher: nodeHasher,
    sink,
    ...more,
  };
  return { options, reads };
}

/** The document of a run to its end, without its seconds: they alone may differ. */
export async function documentOf(options: RunOptions): Promise<Omit<PruneResult, 'seconds'>> {
  const { seconds: _, ...document } = (await drain(run(options))).result;
  return document;
}

/** A journal's lines without what they took, and without the checksums over that. */
export function timeless(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/"seconds":[^,}]+/, '').replace(/,"sum":"\w+"/, ''));
}
