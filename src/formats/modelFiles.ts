/**
 * From a model's files to a model, wherever the files lie: on disk, in a hub's cache, behind URLs
 * in a browser.
 */
import { BlockprunerError, FormatError, NotFoundError } from '../errors.ts';
import type { WeightSource } from '../model/weights.ts';
import type { ByteSource } from '../platform/byteSource.ts';
import type { Folder } from '../platform/folder.ts';
import { ggufTokenizer } from '../tokenizer/ggufTokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { folderChatTemplate, templateOf } from './chatTemplate.ts';
import type { GenerationDefaults } from './generationDefaults.ts';
import { ggufGeneration } from './gguf/generationDefaults.ts';
import type { GgufFile } from './gguf/parse.ts';
import type { Beside } from './gguf/parts.ts';
import { withoutIdsOutside } from './gguf/specialIds.ts';
import { ggufModels } from './gguf/splitName.ts';
import { openGgufWeights } from './gguf/weightSource.ts';
import type { GgufMetadata } from './gguf/writtenMetadata.ts';
import { openHfFolder } from './huggingface/weightSource.ts';
import { readGenerationConfig } from './huggingface/generationConfig.ts';
import { readFolderTokenizer } from './huggingface/tokenizerFiles.ts';
import { INDEX_FILE, SINGLE_FILE } from './safetensors/checkpoint.ts';
import { noWeights } from './safetensors/noWeights.ts';

export interface OpenedModel {
  readonly weights: WeightSource;
  /** Null where there is none that can be used; ids can still be given as numbers. */
  readonly tokenizer: Tokenizer | null;
  /** Why there is no tokenizer, or why the one there is cannot be used. */
  readonly tokenizerNote: string | null;
  /** The Jinja template that writes its chats, read when it is asked for; null = it has none. */
  readonly chatTemplate: () => Promise<string | null>;
  /** End tokens and how its authors sample. */
  readonly generation: GenerationDefaults;
  /** What the user should be told, one line each. */
  readonly warnings: readonly string[];
  /** Where the model comes from and in what format. */
  readonly description: string;
  /** Where its files lie, for a copy's companions; null for GGUF, which has none. */
  readonly folder: Folder | null;
  /** The keys of a GGUF file, for a copy of it, but for texts that are not UTF-8; else null. */
  readonly metadata: GgufMetadata | null;
  close(): Promise<void>;
}

/**
 * Opens a folder with config.json and safetensors, or with one .gguf file. Where there is a
 * config.json without safetensors beside one .gguf file, that is the model. Weights are read when
 * they are asked for.
 * @throws NotFoundError, AccessError, FormatError or UnsupportedModelError, naming what is wrong
 * and where.
 */
export async function openFolderModel(
  folder: Folder,
  name: string,
  warnings: readonly string[] = [],
): Promise<OpenedModel> {
  const { files } = folder;
  const hasSafetensors = files.has(SINGLE_FILE) || files.has(INDEX_FILE);
  if (!files.has('config.json') || (!hasSafetensors && ggufModels(files).length > 0)) {
    const file = onlyGguf(folder);
    return openGgufModel(await folder.open(file), name, warnings, { file, open: (part) => folder.open(part) });
  }
  const opened = await openHfFolder(folder);
  const { tokenizer, note, warnings: told } = await tokenizerOrNote(() => readFolderTokenizer(folder, name));
  const { generation, warnings: more } = await readGenerationConfig(folder, name, opened.weights.config);
  return {
    weights: opened.weights,
    tokenizer,
    tokenizerNote: note,
    chatTemplate: () => folderChatTemplate(folder),
    generation,
    warnings: [...warnings, ...opened.warnings, ...told, ...more],
    description: `${name} (safetensors)`,
    folder,
    metadata: null,
    close: () => opened.weights.close(),
  };
}

/**
 * Opens a GGUF file.
 * @param beside where it lies, so that the other parts of a split model are found.
 * @throws as openFolderModel; `source` is closed then.
 */
export async function openGgufModel(
  source: ByteSource,
  name: string,
  warnings: readonly string[] = [],
  beside: Beside | null = null,
): Promise<OpenedModel> {
  try {
    const { weights, file } = await openGgufWeights(source, beside);
    const { metadata, idsOutside } = withoutIdsOutside(file.metadata, weights.config.vocabSize);
    const outside = `${name}: outside the vocabulary, ignored: ${idsOutside.join(', ')}.`;
    const { tokenizer, note } = await tokenizerOrNote(() => {
      const key = [...file.notUtf8].find((damaged) => damaged.startsWith('tokenizer.ggml.'));
      if (key !== undefined) throw new FormatError(`${key} holds text that is not UTF-8.`, { where: name });
      return Promise.resolve({ tokenizer: ggufTokenizer(metadata, name), warnings: [] });
    });
    return {
      weights,
      tokenizer,
      tokenizerNote: note,
      chatTemplate: () => Promise.resolve().then(() => templateOf(file.metadata.get('tokenizer.chat_template'), name)),
      generation: ggufGeneration(file.metadata, weights.config),
      warnings: idsOutside.length > 0 ? [...warnings, outside] : warnings,
      description: `${name} (GGUF)`,
      folder: null,
      metadata: metadataOf(file),
      close: () => weights.close(),
    };
  } catch (error) {
    await source.close();
    if (error instanceof FormatError && !source.name.includes('.gguf')) {
      throw new FormatError(error.message, {
        remedy: 'A model is given as a folder with config.json and safetensors, as a .gguf file, or as owner/name.',
        cause: error,
      });
    }
    throw error;
  }
}

function metadataOf({ metadata, types, notUtf8 }: GgufFile): GgufMetadata {
  const keys = [...types].filter(([key]) => !notUtf8.has(key));
  return new Map(keys.map(([key, type]) => [key, { type, value: metadata.get(key) ?? '' }]));
}

/** The one GGUF file of a folder, or the first part of the one split model. */
function onlyGguf(folder: Folder): string {
  const names = ggufModels(folder.files);
  if (names.length === 1) return names[0];
  const without = folder.files.has('config.json') ? 'no safetensors' : 'no config.json';
  if (names.length > 1) {
    const remedy = 'Name one of the files.';
    throw new NotFoundError(`has ${without} and ${names.length} .gguf files.`, { where: folder.name, remedy });
  }
  if (folder.files.has('adapter_config.json')) throw noWeights(folder);
  throw new NotFoundError('has no config.json and no .gguf file.', {
    where: folder.name,
    remedy: 'Point to the folder that has config.json.',
  });
}

/**
 * A tokenizer that cannot be used is no reason not to open the model; why, is kept for whoever
 * wants text.
 */
async function tokenizerOrNote(
  load: () => Promise<{ tokenizer: Tokenizer; warnings: readonly string[] }>,
): Promise<{ tokenizer: Tokenizer | null; note: string | null; warnings: readonly string[] }> {
  try {
    return { ...(await load()), note: null };
  } catch (error) {
    if (!(error instanceof BlockprunerError)) throw error;
    return { tokenizer: null, note: error.message, warnings: [] };
  }
}
