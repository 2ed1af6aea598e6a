/** Models cut into parts, as llama-gguf-split writes them. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { openModel } from '../../../src/formats/openModel.ts';
import { openGgufWeights } from '../../../src/formats/gguf/weightSource.ts';
import { ggufModels, parseSplitName } from '../../../src/formats/gguf/splitName.ts';
import { serializeGguf } from '../../../src/formats/gguf/write.ts';
import { nodeHasher } from '../../../src/platform/nodeHash.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { repoOf } from '../../hub/hubServer.ts';
import { withFolder, withHub } from '../../hub/withHub.ts';
import type { Files } from '../huggingface/tinyModel.ts';
import { tinyModel, typed, type TinyArch } from './fixtures.ts';

const partName = (part: number, count: number): string =>
  `tiny-${String(part).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.gguf`;

/** The parts of a tiny model; the first has the model's metadata, and may have no tensors. */
function split(
  arch: TinyArch,
  count: number,
  change: (part: number, keys: Map<string, unknown>) => void = () => {},
): Files {
  const { metadata, tensors } = tinyModel(arch);
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const keys = new Map<string, unknown>([
        ['split.no', index],
        ['split.count', count],
        ['split.tensors.count', tensors.size],
      ]);
      change(index, keys);
      const own = new Map(
        [...keys].map(([key, value]) => [key, typed(key.endsWith('tensors.count') ? 'i32' : 'u16', value as number)]),
      );
      const part = {
        metadata: new Map([...(index === 0 ? metadata : []), ...own]),
        tensors: new Map([...tensors].filter((__, at) => at % count === index)),
      };
      return [partName(index + 1, count), serializeGguf(part)];
    }),
  );
}

async function withParts(files: Files, run: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await mkdir(folder, { recursive: true });
    for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
    await run(folder);
  });
}

test.prop([fc.constantFrom<TinyArch>('llama', 'qwen2', 'qwen3', 'gpt2'), fc.integer({ min: 2, max: 5 })], {
  numRuns: 8,
})('a model of parts is the model, from its first part or its folder', async (arch, count) => {
  const whole = (await openGgufWeights(memoryBytes('whole', serializeGguf(tinyModel(arch))))).weights;
  await withParts(split(arch, count), async (folder) => {
    for (const argument of [folder, join(folder, partName(1, count))]) {
      const { weights, close } = await openModel(argument);
      expect(weights.config).toEqual(whole.config);
      expect(weights.tensors).toEqual(whole.tensors);
      for (const name of whole.tensors.keys()) expect(await weights.tensor(name)).toEqual(await whole.tensor(name));
      expect(await weights.contentHash(nodeHasher())).toBe(await whole.contentHash(nodeHasher()));
      await weights.assertUnchanged();
      await writeFile(join(folder, partName(count, count)), 'x', { flag: 'a' });
      await expect(weights.assertUnchanged()).rejects.toThrow(`${partName(count, count)}: the file was changed`);
      await close();
      // As it was, for the other way to open it.
      for (const [name, bytes] of split(arch, count)) await writeFile(join(folder, name), bytes);
    }
  });
});

describe('is refused, in words,', () => {
  const opened = (folder: string, part = 1): Promise<unknown> => openModel(join(folder, partName(part, 3)));

  it('where a part is missing', async () => {
    await withParts(split('llama', 3), async (folder) => {
      await rm(join(folder, partName(2, 3)));
      await expect(opened(folder)).rejects.toThrow(
        `${partName(1, 3)}: part '${partName(2, 3)}' of the model is missing. Put all parts into one folder.`,
      );
      await expect(openModel(folder)).rejects.toThrow(/is missing/);
    });
  });

  it('where a later part is opened', async () => {
    await withParts(split('llama', 3), async (folder) => {
      await expect(opened(folder, 2)).rejects.toThrow(
        `is part 2 of 3 of a split model. Give its first part, '${partName(1, 3)}'.`,
      );
    });
  });

  it('where the first part has another name', async () => {
    const bytes = split('llama', 3).get(partName(1, 3)) ?? new Uint8Array();
    await withParts(new Map([['model.gguf', bytes]]), async (folder) => {
      await expect(openModel(join(folder, 'model.gguf'))).rejects.toThrow(
        /is the first of 3 parts, but its name does not say so\. Name the parts/,
      );
    });
    await expect(openGgufWeights(memoryBytes('alone', bytes))).rejects.toThrow(/first of 3 parts/);
  });

  it.each<[string, (part: number, keys: Map<string, unknown>) => void, RegExp]>([
    [
      'another number',
      (part, keys) => part === 2 && keys.set('split.no', 1),
      /00003-of-00003\.gguf: says that it is number 1 of 3/,
    ],
    ['another count', (part, keys) => part === 1 && keys.set('split.count', 4), /says that it is number 1 of 4/],
    ['no number', (part, keys) => part === 1 && keys.delete('split.no'), /number undefined of 3/],
    [
      'more tensors in all',
      (_, keys) => keys.set('split.tensors.count', 99),
      /split\.tensors\.count is 99, the parts have 21 tensors/,
    ],
    [
      'a count beyond every split',
      (_, keys) => keys.set('split.count', 60_000),
      /split\.count is 60000, expected 1 … 1024/,
    ],
  ])('where a part says %s', async (_, change, message) => {
    await withParts(split('llama', 3, change), async (folder) => {
      await expect(opened(folder)).rejects.toThrow(message);
    });
  });

  it('where two parts have a tensor', async () => {
    const files = split('llama', 3);
    const twice = split('llama', 3, (part, keys) => part === 0 && keys.set('split.no', 1)).get(partName(1, 3));
    await withParts(files.set(partName(2, 3), twice ?? new Uint8Array()), async (folder) => {
      await expect(opened(folder)).rejects.toThrow(/00002-of-00003\.gguf: tensor 'token_embd\.weight' is in two parts/);
    });
  });
});

it('the hub sends all parts, and the cache has the model only with all of them', async () => {
  const files = split('llama', 3);
  await withHub({ 'lab/split': repoOf(files) }, async ({ hub, cacheDir, options }) => {
    for (const id of ['lab/split', `lab/split/${partName(1, 3)}`]) {
      const model = await openModel(id, options);
      expect(model.weights.tensors.size).toBe(21);
      await model.close();
    }
    expect(hub.downloads.map((download) => download.slice(0, -2)).toSorted()).toEqual([...files.keys()]);
    await expect(openModel(`lab/split/${partName(2, 3)}`, options)).rejects.toThrow(/is part 2 of 3 of a split model/);
    const snapshots = join(
      cacheDir,
      'models--lab--split/snapshots',
      [...(hub.repos.get('lab/split')?.commits.keys() ?? [])][0],
    );
    await rm(join(snapshots, partName(3, 3)));
    await expect(openModel('lab/split', { ...options, offline: true })).rejects.toThrow(/is not complete in the cache/);
    await (await openModel('lab/split', options)).close();
  });
});

describe('names of parts', () => {
  test.prop([
    fc.string({ minLength: 1, maxLength: 9 }).filter((name) => !/[\n\r]/.test(name)),
    fc.integer({ min: 1, max: 1024 }),
    fc.nat(),
  ])('name each other', (name, count, at) => {
    const part = 1 + (at % count);
    const digits = (number: number): string => String(number).padStart(5, '0');
    const file = `${name}-${digits(part)}-of-${digits(count)}.gguf`;
    const parsed = parseSplitName(file);
    expect(parsed).toMatchObject({ part, count });
    expect(parsed?.all[part - 1]).toBe(file);
    expect(parsed?.all).toHaveLength(count);
  });
  it.each([
    'a.gguf',
    'a-00001-of-00002.bin',
    '-00001-of-00002.gguf',
    'a-00003-of-00002.gguf',
    'a-00000-of-00002.gguf',
    'a-1-of-2.gguf',
  ])('%s is not the name of a part', (name) => expect(parseSplitName(name)).toBeNull());
  it('a folder has as many models as first parts and whole files', () => {
    expect(ggufModels(['b.GGUF', partName(2, 2), partName(1, 2), 'x.txt'])).toEqual(['b.GGUF', partName(1, 2)]);
    expect(ggufModels([partName(2, 2)])).toEqual([partName(2, 2)]);
  });
});
