/** Blocks that are never removed, and the stop rule that counts from the dense perplexity. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { MaskError } from '../../src/errors.ts';
import { formatBlock } from '../../src/model/blockId.ts';
import { Mask } from '../../src/model/mask.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { candidatesLeft, pruneKinds } from '../../src/prune/candidates.ts';
import type { SearchEvent } from '../../src/prune/events.ts';
import { Journal } from '../../src/prune/journal.ts';
import { plainSearch, type PlainStep } from '../../src/prune/plainSearch.ts';
import { protectedBlocks } from '../../src/prune/protect.ts';
import type { SearchSettings } from '../../src/prune/search.ts';
import { seeds } from '../arbitraries.ts';
import { finish, methodRun } from '../method/tinyMethod.ts';
import { blocksInWalkOrder, layersOf } from '../model/layers.ts';
import { tinyTransformer } from '../model/tinyTransformer.ts';
import { blockpruner } from '../../src/prune/methods/blockpruner.ts';
import { drain, localSearch, tinyChunks } from './tinySearch.ts';

const LAYERS = 3;
const model3 = layersOf(LAYERS);
const all = blocksInWalkOrder(LAYERS).map(formatBlock);
const names = fc.uniqueArray(fc.constantFrom(...all, 'L0', 'L1', 'L2'), { maxLength: 4 });
/** What the names mean, said anew. */
const meant = (list: readonly string[]): string[] => all.filter((block) => list.some((name) => block.startsWith(name)));

describe('protectedBlocks', () => {
  test.prop([fc.array(fc.constantFrom(...all, 'L0', 'L1', ' L2 '), { maxLength: 6 })])(
    'are the blocks named, and both of a layer, in the order of the walk',
    (list) => {
      expect([...protectedBlocks(list, model3)]).toEqual(meant(list.map((name) => name.trim())));
    },
  );

  it.each([
    [['L3'], "block 'L3.mha' does not exist: the model's layers are L0 … L2."],
    [['L0', 'L7.mlp'], "block 'L7.mlp' does not exist"],
    [['L0.attn'], "'L0.attn' is not a block name. Write L<layer>.mha or L<layer>.mlp, such as L5.mlp."],
    [[''], "'' is not a block name."],
    [['L01'], "'L01.mha' is not a block name."],
  ])('refuses %j', (list, message) => {
    expect(() => protectedBlocks(list, model3)).toThrow(MaskError);
    expect(() => protectedBlocks(list, model3)).toThrow(message);
  });

  it('of a layer that lost a block are the other, and there is none in a layer without', () => {
    const layers = model3.layers.map((layer, index) =>
      index === 1 ? { ...layer, mha: null } : index === 2 ? { mha: null, mlp: null } : layer,
    );
    const model = { ...model3, layers } as typeof model3;
    expect([...protectedBlocks(['L1'], model)]).toEqual(['L1.mlp']);
    expect(() => protectedBlocks(['L1.mha'], model)).toThrow(
      "block 'L1.mha' does not exist: the model has no such block.",
    );
    expect(() => protectedBlocks(['L2'], model)).toThrow("layer 'L2' has no block left that could be protected.");
  });
});

describe('candidates under protection', () => {
  test.prop([names, fc.constantFrom(...pruneKinds), fc.subarray(all)])(
    'are all the others, in their order',
    (list, kind, gone) => {
      const mask = Mask.parse(gone.join(','), model3);
      const kept = meant(list);
      const expected = candidatesLeft(kind, model3, mask).filter(
        ({ blocks }) => !blocks.some((block) => kept.includes(formatBlock(block))),
      );
      expect(candidatesLeft(kind, model3, mask, protectedBlocks(list, model3))).toEqual(expected);
    },
  );
});

async function searched(
  seed: number,
  settings: Pick<SearchSettings, 'stop' | 'kind' | 'kept'>,
): Promise<{ events: readonly SearchEvent[]; plain: PlainStep[]; dense: number }> {
  const { model } = await tinyTransformer({ layers: LAYERS, seed });
  const chunks = tinyChunks(seed, 3, 6);
  const journal = await Journal.open(
    memoryJournal(),
    { weights: 'w', config: 'c', tokens: 't', settings: 's', backend: 'b' },
    nodeHasher,
  );
  const { events } = await drain(
    localSearch({ model, chunks, journal }, { ...settings, groupSize: 2, checkpointBytes: 0 }),
  );
  const plain = await plainSearch(model, chunks, settings.kind, 2 * LAYERS, settings.kept);
  const dense = events.find((event) => event.type === 'dense');
  return { events, plain, dense: dense?.perplexity.ppl ?? NaN };
}

const removals = (events: readonly SearchEvent[]): [string, number][] =>
  events.flatMap((event) =>
    event.type === 'step' && event.removed !== null
      ? [[event.removed.name, event.removed.perplexity.ppl] as [string, number]]
      : [],
  );
const plainRemovals = (steps: readonly PlainStep[]): [string, number][] =>
  steps.map(({ removed, prices }) => [
    removed?.name ?? '',
    prices.find(({ candidate }) => candidate === removed)?.ppl ?? NaN,
  ]);

describe('the search', () => {
  test.prop([seeds, names, fc.constantFrom(...pruneKinds)], { numRuns: 12 })(
    'with protected blocks removes what the plain one does, and none of them',
    async (seed, list, kind) => {
      const kept = protectedBlocks(list, model3);
      fc.pre(candidatesLeft(kind, model3, Mask.empty, kept).length > 0);
      const { events, plain } = await searched(seed, { kind, kept, stop: { ratio: 0.9999, ratioOf: 'depth' } });
      expect(removals(events)).toEqual(plainRemovals(plain));
      for (const [name] of removals(events)) for (const block of kept) expect(name).not.toContain(block);
    },
  );

  test.prop([seeds, fc.double({ min: 0, max: 60, noNaN: true }), fc.constantFrom(...pruneKinds)], { numRuns: 12 })(
    'with --max-increase ends before the first removal that goes beyond it',
    async (seed, maxIncrease, kind) => {
      const { events, plain, dense } = await searched(seed, { kind, stop: { maxIncrease } });
      const free = plainRemovals(plain);
      const beyond = free.findIndex(([, ppl]) => (ppl / dense - 1) * 100 > maxIncrease * (1 + 1e-12));
      expect(removals(events)).toEqual(beyond < 0 ? free : free.slice(0, beyond));
      expect(events.at(-1)).toMatchObject({
        type: 'done',
        stoppedBy: beyond < 0 ? 'no candidate left' : 'max-increase',
      });
    },
  );

  it('takes the rule that is met first, and one that lets everything go never ends it', async () => {
    const { plain, dense } = await searched(3, { kind: 'mix', stop: { blocks: 1 } });
    const [[, first]] = plainRemovals(plain);
    const percent = (first / dense - 1) * 100;
    const stopped = async (maxIncrease: number): Promise<unknown> =>
      (await searched(3, { kind: 'mix', stop: { maxIncrease, blocks: 1 } })).events.at(-1);
    if (percent > 0.01)
      expect(await stopped(percent - 0.01)).toMatchObject({ stoppedBy: 'max-increase', mask: { size: 0 } });
    expect(await stopped(Math.max(percent, 0) + 0.01)).toMatchObject({ stoppedBy: 'blocks', mask: { size: 1 } });
  });

  it('refuses an order that names a protected block', async () => {
    const order = candidatesLeft('mix', model3, Mask.empty);
    const run = searched(1, {
      kind: 'mix',
      stop: { blocks: 1 },
      kept: protectedBlocks(['L1.mha'], model3),
      order,
    } as Parameters<typeof searched>[1]);
    await expect(run).rejects.toThrow('the order of removal names L1.mha, which is protected.');
  });
});

describe('a run', () => {
  it('names protected blocks in its journal and its document, and only where there are any', async () => {
    const begun = async (protect?: string[]): Promise<{ header: string; protect: unknown }> => {
      const { options, sink } = await methodRun(blockpruner, {
        ...(protect === undefined ? {} : { protect }),
        stop: { blocks: 1 },
      });
      const result = await finish(options);
      return { header: sink.all[0], protect: 'protect' in result ? result.protect : 'none' };
    };
    const without = await begun();
    expect(without.protect).toBe('none');
    expect(await begun([])).toEqual(without);
    const some = await begun(['L2', 'L0.mlp']);
    expect(some.protect).toEqual(['L0.mlp', 'L2.mha', 'L2.mlp']);
    expect(some.header).not.toBe(without.header);
    // Another way to say the same is the same run.
    expect(await begun(['L0.mlp', 'L2.mlp', 'L2.mha', 'L2.mlp'])).toEqual(some);
  });
});
