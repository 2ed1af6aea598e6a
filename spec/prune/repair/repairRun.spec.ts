/** A repair on its own: its document, and that a run which is killed anywhere ends the same. */
import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError, JournalMismatchError, UsageError } from '../../../src/errors.ts';
import { perplexity } from '../../../src/eval/perplexity.ts';
import { edited } from '../../../src/model/edit.ts';
import { Mask } from '../../../src/model/mask.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { memoryFiles, type Files } from '../../../src/platform/files.ts';
import { memoryJournal, type JournalSink } from '../../../src/platform/journalSink.ts';
import { nodeHasher } from '../../../src/platform/nodeHash.ts';
import type { MethodEvent } from '../../../src/prune/method.ts';
import { repairRun, type RepairRunOptions, type RepairRunResult } from '../../../src/prune/repair/repairRun.ts';
import { defaultRepair } from '../../../src/repair/repair.ts';
import { storedEdits, tensorStore } from '../../../src/repair/store.ts';
import { tinySource, type TinyOptions } from '../../model/tinyTransformer.ts';
import { reference, tinyChunks } from '../tinySearch.ts';

const LAYERS = 3;
const settings = { ...defaultRepair, factors: [0.1, 1] };

/** What a run keeps: all that a killed process leaves to the next one. */
interface Kept {
  lines: string[];
  files: Map<string, Uint8Array>;
}

async function optionsOf(
  sink: JournalSink,
  files: Files,
  more: Partial<RepairRunOptions> = {},
  tiny: TinyOptions = {},
): Promise<RepairRunOptions> {
  const source = await tinySource({ layers: LAYERS, seed: 5, ...tiny });
  const model = await Transformer.load(source, await reference.make(), 2 ** 22);
  return {
    model,
    chunks: tinyChunks(3, 9, 16),
    dataName: 'tiny.txt',
    mask: Mask.parse('L1.mlp,L2.mha', model.config),
    settings,
    evaluation: { name: 'other.txt', chunks: tinyChunks(4, 9, 16) },
    activationBytes: 2 ** 22,
    streamBytes: 2 ** 22,
    weightBytes: 2 ** 22,
    store: tensorStore(files, nodeHasher),
    version: '0.0.0',
    newHasher: nodeHasher,
    sink,
    ...more,
  };
}

interface Ended {
  result: RepairRunResult;
  events: MethodEvent[];
}

async function runTo(options: RepairRunOptions): Promise<Ended> {
  const events: MethodEvent[] = [];
  const work = repairRun(options);
  try {
    for (;;) {
      const next = await work.next();
      if (next.done === true) return { result: next.value, events };
      events.push(next.value);
    }
  } finally {
    options.model.free();
  }
}

const KILLED = new Error('killed');

/**
 * Runs on what is kept until `moments` writes are done: a line, a piece of a tensor's file, or its
 * closing. The next one never happens.
 */
async function attempt(kept: Kept, moments: number, more: Partial<RepairRunOptions> = {}): Promise<Ended | null> {
  let left = moments;
  const moment = (): void => {
    if (left-- <= 0) throw KILLED;
  };
  const memory = memoryFiles('files', kept.files);
  const files: Files = {
    ...memory,
    async create(file) {
      const sink = await memory.create(file);
      return {
        ...sink,
        async write(piece) {
          moment();
          await sink.write(piece);
        },
        async close() {
          moment();
          await sink.close();
        },
      };
    },
  };
  const sink: JournalSink = {
    ...memoryJournal(kept.lines),
    append(line) {
      moment();
      kept.lines.push(line);
      return Promise.resolve();
    },
  };
  try {
    return await runTo(await optionsOf(sink, files, more));
  } catch (error) {
    if (error === KILLED) return null;
    throw error;
  }
}

/** A result without its seconds: they alone may differ. */
function timeless({ result }: Ended): unknown {
  return JSON.parse(JSON.stringify(result), (key, value: unknown) => (key === 'seconds' ? 0 : value));
}

const straightKept: Kept = { lines: [], files: new Map() };
let straight: Ended;
let moments = 0;
beforeAll(async () => {
  const found = await attempt(straightKept, Infinity);
  straight = found ?? expect.unreachable('a run that nobody kills ends');
  // A line each, and two writes and a closing for each file.
  moments = straightKept.lines.length + 3 * straightKept.files.size;
});

describe('a run that is killed', () => {
  test.prop([fc.array(fc.nat(), { minLength: 1, maxLength: 3 })], { numRuns: 10 })(
    'at any write, and again, ends with the same bits as one that is not',
    async (kills) => {
      const kept: Kept = { lines: [], files: new Map() };
      for (const kill of kills) await attempt(kept, kill % moments);
      const ended = (await attempt(kept, Infinity)) ?? expect.unreachable();
      expect(timeless(ended)).toEqual(timeless(straight));
      expect(kept.files).toEqual(straightKept.files);
      expect(kept.lines.length).toBe(straightKept.lines.length);
    },
  );

  test.prop([fc.nat(), fc.nat(), fc.constantFrom('gone', 'half', 'changed', 'other')], { numRuns: 10 })(
    'and loses or damages a tensor file meanwhile fits it anew, to the same bits',
    async (kill, which, how) => {
      const kept: Kept = { lines: [], files: new Map() };
      await attempt(kept, kill % (moments + 1));
      const names = [...kept.files.keys()];
      if (names.length > 0) damage(kept.files, names[which % names.length], names[0], how);
      const ended = (await attempt(kept, Infinity)) ?? expect.unreachable();
      expect(timeless(ended)).toEqual(timeless(straight));
      expect(kept.files).toEqual(straightKept.files);
      expect(kept.lines.length).toBe(straightKept.lines.length);
    },
  );

  function damage(files: Map<string, Uint8Array>, name: string, other: string, how: string): void {
    const bytes = files.get(name) ?? new Uint8Array();
    if (how === 'gone') files.delete(name);
    else if (how === 'half') files.set(name, bytes.slice(0, bytes.length / 2));
    else if (how === 'other') files.set(name, files.get(other) ?? bytes);
    else files.set(name, bytes.with(bytes.length - 1, bytes[bytes.length - 1] ^ 0x40));
  }

  it('after its end writes nothing more, and fits nothing', async () => {
    const kept: Kept = { lines: [...straightKept.lines], files: new Map(straightKept.files) };
    const again = (await attempt(kept, 0)) ?? expect.unreachable('nothing is written');
    expect(again.result).toEqual(straight.result);
    expect(again.events.filter(({ type }) => type === 'repairing')).toEqual([]);
  });

  it('goes on under other memory, and is refused under other settings, text or weights', async () => {
    const kept: Kept = { lines: straightKept.lines.slice(0, 3), files: new Map(straightKept.files) };
    const little = (await attempt(kept, Infinity, { streamBytes: 0 })) ?? expect.unreachable();
    expect(timeless(little)).toEqual(timeless(straight));
    const other: Partial<RepairRunOptions>[] = [
      { settings: { ...settings, scope: 'cuts' } },
      { settings: { ...settings, factors: [0.1] } },
      { chunks: tinyChunks(8, 9, 16) },
    ];
    for (const more of other) {
      const failed = attempt({ lines: [...straightKept.lines], files: new Map() }, Infinity, more);
      await expect(failed).rejects.toThrow(JournalMismatchError);
    }
    const sink = memoryJournal(straightKept.lines);
    const foreign = await optionsOf(sink, memoryFiles('files'), {}, { seed: 6 });
    await expect(runTo(foreign)).rejects.toThrow(/belongs to a run with other weights/);
  });
});

describe('the document of a repair', () => {
  it('names what was removed, fitted and kept, and is JSON', () => {
    const { result } = straight;
    expect(result).toMatchObject({ schema: 'blockpruner.repair/1', removed: ['L1.mlp', 'L2.mha'] });
    expect(result.repair).toMatchObject({ mask: 'L1.mlp,L2.mha', settings, rows: 128, heldOutRows: 16 });
    // Nothing is missing before the first cut, so L0 is not fitted.
    expect(result.repair.blocks.map(({ block }) => block)).toEqual(['L1.mha', 'L2.mlp']);
    expect(result.repair.tensors.map(({ file }) => file).toSorted()).toEqual([...straightKept.files.keys()].toSorted());
    expect(result.data).toMatchObject({ name: 'tiny.txt', chunks: 9, scoredTokens: 9 * 15 });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it('states the perplexities that a plain evaluation of the edited model gives', async () => {
    const { result } = straight;
    const options = await optionsOf(memoryJournal(), memoryFiles('none'));
    const { model, mask, evaluation, chunks } = options;
    const store = tensorStore(memoryFiles('files', straightKept.files), nodeHasher);
    const repaired = await Transformer.load(
      edited(model.source, storedEdits(result.repair.tensors, store)),
      model.backend,
      2 ** 22,
    );
    const { evaluation: measured, whole } = result.repair;
    const other = evaluation ?? expect.unreachable();
    expect(measured?.dense.ppl).toBe((await perplexity(model, other.chunks, Mask.empty)).ppl);
    expect(measured?.pruned.ppl).toBe((await perplexity(model, other.chunks, mask)).ppl);
    expect(measured?.repaired.ppl).toBe((await perplexity(repaired, other.chunks, mask)).ppl);
    expect(whole.dense.ppl).toBe((await perplexity(model, chunks, Mask.empty)).ppl);
    expect(whole.repaired.ppl).toBe((await perplexity(repaired, chunks, mask)).ppl);
  });

  it('goes without a text of its own, and without held-out chunks where there is one chunk', async () => {
    const more = { evaluation: null, chunks: tinyChunks(3, 1, 60) };
    const { result } = await runTo(await optionsOf(memoryJournal(), memoryFiles('files'), more));
    expect(result.repair).toMatchObject({ evaluation: null, heldOut: null, heldOutRows: 0 });
  });

  it('warns where a matrix has more inputs than there are tokens', async () => {
    const warnings = ({ events }: Ended): string[] =>
      events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    expect(warnings(straight)).toEqual([]);
    const few = await optionsOf(memoryJournal(), memoryFiles('files'), { chunks: tinyChunks(3, 2, 16) });
    expect(warnings(await runTo(few))).toEqual([
      expect.stringMatching(
        /^16 tokens are fitted, fewer than the \d\d inputs of L\d\.m..'s output matrix.*--tokens\.$/,
      ),
    ]);
  });

  it('is not begun for a mask that leaves nothing to do, or a text that cannot serve', async () => {
    const config = (await optionsOf(memoryJournal(), memoryFiles('x'))).model.config;
    const all = config.layers.flatMap((_, layer) => [`L${layer}.mha`, `L${layer}.mlp`]).join(',');
    const failing = async (more: Partial<RepairRunOptions>): Promise<unknown> => {
      const sink = memoryJournal();
      const failed = await runTo(await optionsOf(sink, memoryFiles('files'), more)).catch((error: unknown) => error);
      expect(sink.all).toEqual([]);
      return failed;
    };
    expect(await failing({ mask: Mask.empty })).toBeInstanceOf(UsageError);
    expect(await failing({ mask: Mask.parse(all, config) })).toBeInstanceOf(UsageError);
    expect(await failing({ chunks: { ...tinyChunks(3, 1, 8), ids: [] } })).toBeInstanceOf(DataError);
    expect(await failing({ chunks: tinyChunks(3, 3, 8, { stride: 4 }) })).toBeInstanceOf(DataError);
  });
});
