/** More chunks than the stack has room for as arguments of one call: about 125,000 in V8. */
import { describe, expect, it } from 'vitest';
import { renderLossCurve } from '../../src/cli/lossCurve.ts';
import type { ChunkScore } from '../../src/eval/perplexity.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { Journal } from '../../src/prune/journal.ts';
import type { GroupRecord } from '../../src/prune/journalRecords.ts';
import { tinyTransformer } from '../model/tinyTransformer.ts';
import { drain, localSearch, tinyChunks } from './tinySearch.ts';

const COUNT = 150_000;
const header = { weights: '', config: '', tokens: '', settings: '', backend: '' };
const { model } = await tinyTransformer({ layers: 1 });
/** One chunk under many indices: it is the record that is large. */
const chunks = { ...tinyChunks(1, 1, 2), ids: Array.from({ length: COUNT }, () => Int32Array.of(1, 2)) };
const row = (nats: number): ChunkScore[] => Array.from({ length: COUNT }, () => ({ nats, targets: 1 }));
const scores = { from: 0, to: COUNT, seconds: 1, passes: 1, base: row(1), step: 1 };

/** Runs from a journal that has this record. */
async function removed(record: GroupRecord): Promise<unknown> {
  const journal = await Journal.open(memoryJournal(), header, nodeHasher);
  await journal.addGroup(record);
  const settings = { kind: 'mix', stop: { blocks: 1 }, groupSize: COUNT } as const;
  const { events } = await drain(localSearch({ model, chunks, journal }, settings));
  return events.find((event) => event.type === 'step')?.removed?.name;
}

describe(`${COUNT} chunks`, () => {
  it('in one group are searched', async () => {
    const candidates = ['L0.mha', 'L0.mlp'];
    expect(await removed({ type: 'group', ...scores, candidates, scores: [row(3), row(2)] })).toBe('L0.mlp');
  }, 60_000);
});

it('a loss curve of very many points is drawn', () => {
  const points = Array.from({ length: COUNT }, (_, step) => ({ step, loss: 1 + 1 / (step + 1) }));
  expect(renderLossCurve(points, points)).toContain('</svg>');
});
