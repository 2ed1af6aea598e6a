/** A model whose files are replaced while it is in use: no figure may come from two models. */
import { copyFile, mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { FileChangedError } from '../../src/errors.ts';
import { serializeGguf } from '../../src/formats/gguf/write.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { run } from '../../src/prune/run.ts';
import { withFolder } from '../hub/withHub.ts';
import { tinyConfig } from '../model/tinyTransformer.ts';
import { tinyRun } from '../prune/tinyRun.ts';
import { tinyModel } from './gguf/fixtures.ts';
import { llama } from './huggingface/configs.ts';
import { randomWeights, sharded, singleFile, type Files } from './huggingface/tinyModel.ts';

/**
 * Writes files that seem to be of long ago, so that a change cannot be told from them by chance.
 */
async function write(folder: string, files: Files): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) {
    await writeFile(join(folder, name), bytes);
    await utimes(join(folder, name), 1, 1);
  }
}

const otherGguf = tinyModel('llama');
for (const tensor of otherGguf.tensors.values()) tensor.bytes.reverse();

const formats: readonly [string, Files, Files, file: string][] = [
  ['model.safetensors', singleFile(llama), singleFile(llama, randomWeights(llama, 2)), 'model.safetensors'],
  ['the last shard', sharded(llama, 3), sharded(llama, 3, randomWeights(llama, 2)), 'model-00003-of-00003.safetensors'],
  [
    'a GGUF file',
    new Map([['a.gguf', serializeGguf(tinyModel('llama'))]]),
    new Map([['a.gguf', serializeGguf(otherGguf)]]),
    'a.gguf',
  ],
];

it.each(formats)('%s copied over in place: every way to read it says so', async (_, before, after, file) => {
  await withFolder(async (folder) => {
    await write(join(folder, 'model'), before);
    await write(join(folder, 'other'), after);
    const { weights, close } = await openModel(join(folder, 'model'));
    const hash = await weights.contentHash(nodeHasher());
    await weights.assertUnchanged();
    await copyFile(join(folder, 'other', file), join(folder, 'model', file));
    await expect(weights.assertUnchanged()).rejects.toThrow(`${file}: the file was changed or replaced`);
    await expect(weights.contentHash(nodeHasher())).rejects.toThrow(FileChangedError);
    const inFile: string[] = [];
    for (const name of weights.tensors.keys()) {
      await weights.tensor(name).catch((error: unknown) => {
        expect(error).toBeInstanceOf(FileChangedError);
        inFile.push(name);
      });
    }
    expect(inFile.length).toBeGreaterThan(weights.tensors.size / 4);
    if (inFile.includes('lm_head.weight')) {
      await expect(weights.rows('lm_head.weight', 1, 2)).rejects.toThrow(FileChangedError);
    }
    await close();
    const again = await openModel(join(folder, 'model'));
    expect(await again.weights.contentHash(nodeHasher())).not.toBe(hash);
    await again.close();
  });
});

describe('a search whose model is replaced', () => {
  const config = tinyConfig('llama', 2);
  const [before, after] = [singleFile(config, randomWeights(config, 1)), singleFile(config, randomWeights(config, 2))];
  let right: unknown;

  const prune = async (
    folder: string,
    weightBytes: number,
    sink = memoryJournal(),
    replaceAt: number | 'done' = Infinity,
  ): Promise<unknown> => {
    const { weights, close } = await openModel(join(folder, 'model'));
    try {
      const { options } = await tinyRun(sink);
      const model = await Transformer.load(weights, options.model.backend, weightBytes);
      const events = run({ ...options, model, tokenizer: null });
      for (let at = 0; ; at++) {
        const next = await events.next();
        if (next.done === true) return { ...next.value, model: { ...next.value.model, name: '' }, seconds: 0 };
        if (at === replaceAt || next.value.type === replaceAt) {
          await copyFile(join(folder, 'other', 'model.safetensors'), join(folder, 'model', 'model.safetensors'));
        }
      }
    } finally {
      await close();
    }
  };

  const withModels = (use: (folder: string) => Promise<void>): Promise<void> => {
    return withFolder(async (folder) => {
      await write(join(folder, 'model'), before);
      await write(join(folder, 'other'), after);
      await use(folder);
    });
  };

  beforeAll(() => withModels(async (folder) => void (right = await prune(folder, 2 ** 24))));

  // At its end nothing is read any more: only the look before the result tells.
  it.each([
    ['that reads its weights again and again', 2 ** 13, 0],
    ['that reads its weights again and again, in its middle', 2 ** 13, 3],
    ['that holds all its weights, before it begins', 2 ** 24, 0],
    ['that holds all its weights and is at its end', 2 ** 24, 'done'],
  ] as const)(
    '%s ends with an error and no result; with the first model back it ends right',
    async (_, weightBytes, replaceAt) => {
      await withModels(async (folder) => {
        const sink = memoryJournal();
        await expect(prune(folder, weightBytes, sink, replaceAt)).rejects.toThrow(FileChangedError);
        await write(join(folder, 'model'), before);
        expect(await prune(folder, weightBytes, memoryJournal(sink.all))).toEqual(right);
      });
    },
  );
});
