/** `prune --repair end`: the search is as it was, and its result is repaired and measured. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DataError, FormatError, UsageError } from '../../../src/errors.ts';
import { figures } from '../../../src/eval/figures.ts';
import { aggregate, perplexity } from '../../../src/eval/perplexity.ts';
import { edited } from '../../../src/model/edit.ts';
import { Mask } from '../../../src/model/mask.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { methods } from '../../../src/prune/methods/all.ts';
import type { PruneResult } from '../../../src/prune/result.ts';
import type { RunOptions } from '../../../src/prune/run.ts';
import { defaultRepair } from '../../../src/repair/repair.ts';
import { storedEdits } from '../../../src/repair/store.ts';
import { referenceBackend } from '../../../src/backends/reference/referenceBackend.ts';
import { families } from '../../model/tinyTransformer.ts';
import { scoresOf } from '../../repair/tinyRepair.ts';
import { timeless } from '../tinyRun.ts';
import { tinyChunks } from '../tinySearch.ts';
import { byteTokenizer } from '../../../src/tokenizer/byteTokenizer.ts';
import { CHUNKS, finish, lasting, repairRun, type RepairRun } from './repairRun.ts';

const gradients: RunOptions['gradients'] = () => Promise.resolve(referenceBackend());

/** A document less what the repair added to it. */
function withoutRepair({ sample, ...result }: PruneResult): object {
  const plain = sample === null ? null : { prompt: sample.prompt, before: sample.before, after: sample.after };
  return { ...result, sample: plain, seconds: 0, repair: undefined };
}

describe('a run that repairs its result', () => {
  it.each(methods.map((method) => [method.name, method] as const))(
    '%s: order, prices, work and texts are those of a run without repair',
    async (_, method) => {
      const more = { method, gradients, tokenizer: byteTokenizer({}, 'spec') };
      const plain = await finish(await repairRun(null, more));
      const repaired = await finish(await repairRun({}, more));
      expect(withoutRepair(repaired.result)).toEqual(withoutRepair(plain.result));
      expect(repaired.result.repair?.mask).toBe(repaired.result.removed.join(','));
      expect(plain.result).not.toHaveProperty('repair');
      expect(plain.result.sample).not.toHaveProperty('repaired');
      expect(repaired.result.sample?.repaired).toBeTypeOf('string');
    },
  );

  it.each(families)('%s: its figures are those of the models that it names, measured from scratch', async (family) => {
    const evaluation = { name: 'other.txt', chunks: tinyChunks(8, 10, 8) };
    const job = await repairRun({}, { evaluation }, {}, { family });
    const { source } = job.options.model;
    const { repair } = (await finish(job)).result;
    if (repair === undefined) throw new Error('no repair');
    expect(repair.tensors.length).toBeGreaterThan(0);
    const mask = Mask.parse(repair.mask, source.config);
    const after = edited(source, storedEdits(repair.tensors, job.store));
    const texts = [
      [CHUNKS, repair.whole],
      [evaluation.chunks, repair.evaluation],
    ] as const;
    for (const [chunks, found] of texts) {
      expect(found?.dense).toEqual(figures(aggregate(chunks, await scoresOf(source, Mask.empty, chunks))));
      expect(found?.pruned).toEqual(figures(aggregate(chunks, await scoresOf(source, mask, chunks))));
      expect(found?.repaired).toEqual(figures(aggregate(chunks, await scoresOf(after, mask, chunks))));
    }
    const held = (await scoresOf(after, mask, CHUNKS)).filter((_, chunk) => repair.heldOutChunks.includes(chunk));
    expect(repair.heldOut?.repaired).toEqual(figures(aggregate(CHUNKS, held)));
    expect(repair.evaluation?.data.name).toBe('other.txt');
    expect(JSON.parse(JSON.stringify(repair))).toEqual(repair);
  });

  it.each(methods.map((method) => [method.name, method] as const))(
    '%s: the pruned model is not measured again on the text that the search has measured it on',
    async (_, method) => {
      const job = await repairRun({}, { method, gradients });
      const { result } = await finish(job);
      expect(job.sink.all.filter((line) => line.includes('"key":"repair: pruned by '))).toEqual([]);
      const mask = Mask.parse(result.removed.join(','), job.options.model.config);
      const { ppl } = figures(aggregate(CHUNKS, await scoresOf(job.options.model.source, mask, CHUNKS)));
      expect(result.repair?.whole.pruned.ppl).toBe(ppl);
      expect(result.steps.at(-1)?.ppl).toBe(ppl);
    },
  );

  it('is not repaired by the scores of a step that a limit refused', async () => {
    const { steps } = (await finish(await repairRun(null, { stop: { blocks: 3 } }))).result;
    const maxPpl = ((steps[1].ppl ?? NaN) + (steps[2].ppl ?? NaN)) / 2;
    const { result } = await finish(await repairRun({}, { stop: { maxPpl } }));
    expect(result.stoppedBy).toBe('max-ppl');
    expect(result.repair?.whole.pruned.ppl).toBe(result.steps.at(-1)?.ppl);
  });

  it('goes on from an older journal, which holds the pruned model’s scores', async () => {
    const straight = await repairRun({});
    const expected = lasting((await finish(straight)).result);
    // A search that repairs in the loop still keeps them so.
    const each = await repairRun({ when: 'each', leaders: 1 });
    await finish(each);
    const pieces = each.sink.all.flatMap((line) => {
      const { type, key, seconds, value } = JSON.parse(line) as Record<string, unknown>;
      return type === 'piece' && String(key).startsWith('repair: pruned by ') ? [{ type, key, seconds, value }] : [];
    });
    expect(pieces.length).toBeGreaterThan(0);
    // A journal of version 0.1 takes lines without checksums.
    const old = straight.sink.all.map((line) =>
      line.replace(/,"sum":"\w+"}$/, '}').replace('"version":2', '"version":1'),
    );
    const lines = [...old, ...pieces.map((piece) => JSON.stringify(piece))];
    const again = await finish(await repairRun({}, {}, { lines, files: straight.files }));
    expect(lasting(again.result)).toEqual(expected);
  });

  it('the text of the repaired model is the one that its weights write', async () => {
    const job = await repairRun({}, { tokenizer: byteTokenizer({}, 'spec') });
    const { result } = await finish(job);
    const { source } = job.options.model;
    const after = edited(source, storedEdits(result.repair?.tensors ?? [], job.store));
    const other = await repairRun(null, { tokenizer: byteTokenizer({}, 'spec') });
    const model = await Transformer.load(after, referenceBackend(), 2 ** 22);
    const stop = { blocks: 2 };
    const again = await finish({ ...other, options: { ...other.options, model, stop } });
    // The repaired model pruned by itself need not lose the same blocks; whole it is not asked for.
    expect(again.result.sample?.before).toBeTypeOf('string');
    expect(result.sample?.repaired).not.toBe(result.sample?.before);
  });

  it('killed after any line, it goes on to the same bits and lines', async () => {
    const evaluation = { name: 'other.txt', chunks: tinyChunks(8, 10, 8) };
    const tokenizer = byteTokenizer({}, 'spec');
    const straight = await repairRun({}, { evaluation, tokenizer });
    const expected = lasting((await finish(straight)).result);
    const lines = straight.sink.all;
    expect(lines.length).toBeGreaterThan(10);
    for (let kept = 0; kept <= lines.length; kept++) {
      for (const files of [new Map<string, Uint8Array>(), new Map(straight.files)]) {
        const again = await repairRun({}, { evaluation, tokenizer }, { lines: lines.slice(0, kept), files });
        expect(lasting((await finish(again)).result), `after ${kept} lines`).toEqual(expected);
        expect(timeless(again.sink.all), `after ${kept} lines`).toEqual(timeless(lines));
        expect([...again.files.keys()].toSorted()).toEqual([...straight.files.keys()].toSorted());
      }
    }
  });

  it('goes on from the journal of a run that did not repair, and back', async () => {
    const plain = await repairRun(null);
    const before = (await finish(plain)).result;
    const added = await repairRun({}, {}, { lines: plain.sink.all });
    const { events, result } = await finish(added);
    expect(events.some(({ type }) => type === 'progress')).toBe(false);
    expect(result.steps).toEqual(before.steps);
    const back = await repairRun(null, {}, { lines: added.sink.all });
    expect(withoutRepair((await finish(back)).result)).toEqual(withoutRepair(before));
    expect(back.sink.all).toEqual(added.sink.all);
  });

  it('keeps fits of other settings apart, and of more blocks what begins alike', async () => {
    const cuts = { ...defaultRepair, scope: 'cuts' as const };
    const first = await repairRun({}, { stop: { blocks: 1 } });
    await finish(first);
    const kept = { lines: first.sink.all, files: first.files };
    const other = await finish(await repairRun({ settings: cuts }, { stop: { blocks: 2 } }, kept));
    const alone = await finish(await repairRun({ settings: cuts }, { stop: { blocks: 2 } }));
    expect(lasting(other.result)).toEqual(lasting(alone.result));
    const more = await repairRun({}, { stop: { blocks: 2 } }, kept);
    expect(lasting((await finish(more)).result)).toEqual(lasting((await finish(await repairRun({}))).result));
  });

  it('the store holds the tensors of the result and no others', async () => {
    const job = await repairRun({}, { stop: { blocks: 1 } });
    await finish(job);
    const more = await repairRun({}, { stop: { blocks: 3 } }, { lines: job.sink.all, files: job.files });
    const { result } = await finish(more);
    const named = result.repair?.tensors.map(({ file }) => file) ?? [];
    expect(named.length).toBeGreaterThan(0);
    expect([...more.files.keys()].toSorted()).toEqual(named.toSorted());
  });

  test.prop([fc.nat(), fc.nat()], { numRuns: 20 })(
    'a file of the store whose values are damaged or gone is made again',
    async (which, bit) => {
      const job = await finished();
      const files = new Map(job.files);
      const names = [...files.keys()].toSorted();
      const name = names[which % names.length];
      if (bit % 3 === 0) files.delete(name);
      else {
        const bytes = files.get(name)?.slice() ?? new Uint8Array();
        bytes[bit % bytes.length] ^= 1 << (bit % 8);
        files.set(name, bytes);
      }
      const again = await repairRun({}, {}, { lines: job.sink.all, files });
      const { repair } = (await finish(again)).result;
      expect(again.sink.all).toEqual(job.sink.all);
      // A bit of the header may be another: what is read has the hash.
      for (const tensor of repair?.tensors ?? []) await expect(again.store.read(tensor)).resolves.toBeDefined();
      expect([...again.files.keys()].toSorted()).toEqual(names);
    },
  );

  it('memory for streams, weights and groups changes no bit', async () => {
    const expected = lasting((await finish(await finished())).result);
    const little = { streamBytes: 0, weightBytes: 2 ** 14 };
    expect(lasting((await finish(await repairRun(little, { activationBytes: 2 ** 14 }))).result)).toEqual(expected);
  });

  it('abandoned anywhere, it leaves nothing on the backend', async () => {
    const { events } = await finish(await repairRun({}));
    for (let after = 1; after <= events.length; after++) {
      const { options } = await repairRun({});
      let seen = 0;
      const { run } = await import('../../../src/prune/run.ts');
      for await (const _ of run(options)) if (++seen === after) break;
      options.model.free();
      expect(options.model.backend.bytesInUse(), `after ${after} events`).toBe(0);
    }
  });
});

describe('what cannot be repaired', () => {
  it.each([
    ['no block was removed', { blocks: 1, maxPpl: 1 }],
    ['no block is left to repair with', { blocks: 6 }],
  ])('%s: the run says so and gives its result', async (why, stop) => {
    const { result, events } = await finish(await repairRun({}, { stop }));
    expect(events).toContainEqual({ type: 'warning', message: `nothing is repaired: ${why}.` });
    expect(result).not.toHaveProperty('repair');
  });

  it('chunks that overlap are refused before the search', async () => {
    const job = await repairRun({}, { chunks: tinyChunks(3, 4, 8, { stride: 4 }) });
    await expect(finish(job)).rejects.toThrow(DataError);
    expect(job.sink.all).toEqual([]);
  });

  it('a journal that holds another fit under the same key is refused', async () => {
    const job = await finished();
    const lines = job.sink.all;
    expect(lines.some((line) => line.includes('"key":"repair: fit '))).toBe(true);
    // A journal of version 0.1 has no checksums that would notice first.
    const old = lines.map((line) => line.replace(/,"sum":"\w+"}$/, '}').replace('"version":2', '"version":1'));
    const changed = old.map((line) => line.replace(/"sha256":"[0-9a-f]{8}/, '"sha256":"00000000'));
    const again = await repairRun({}, {}, { lines: changed });
    await expect(finish(again)).rejects.toThrow(FormatError);
  });

  it('settings of the method cannot ask for repair on their own', async () => {
    for (const repair of [null, {}]) {
      const job = await repairRun(repair, { settings: { repair: { leaders: 2 } } });
      await expect(finish(job)).rejects.toThrow(UsageError);
      expect(job.sink.all).toEqual([]);
    }
  });
});

let done: Promise<RepairRun> | null = null;

/** A run that came to its end, the same one for all; its model is to be loaded anew. */
async function finished(): Promise<RepairRun> {
  done ??= (async () => {
    const job = await repairRun({});
    await finish(job);
    return job;
  })();
  const { sink, files } = await done;
  return { ...(await repairRun({}, {}, { lines: sink.all, files: new Map(files) })) };
}

it('perplexities of the document are over the chunks it says', async () => {
  const job = await repairRun({});
  const { model } = job.options;
  const dense = await perplexity(model, CHUNKS, Mask.empty);
  const { repair } = (await finish(job)).result;
  expect(repair?.whole.dense.ppl).toBe(dense.ppl);
  expect(repair?.fitted.dense.ppl).not.toBe(dense.ppl);
});
