/** From a model's files to a model, wherever the files lie: on disk, in a hub's cache, behind URLs in a browser. */
import { BlockprunerError, FormatError, NotFoundError } from '../errors.ts';
import type { WeightSource } from '../model/weights.ts';
import type { ByteSource } from '../platform/byteSource.ts';
import type { Folder } from '../platform/folder.ts';
import { ggufTokenizer } from '../tokenizer/ggufTokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { GenerationDefaults } from './generationDefaults.ts';
import { ggufGeneration } from './gguf/generationDefaults.ts';
import { openGgufWeights } from './gguf/weightSource.ts';
import { openHfFolder } from './huggingface/weightSource.ts';
import { readGenerationConfig } from './huggingface/generationConfig.ts';
import { readFolderTokenizer } from './huggingface/tokenizerFiles.ts';

export interface OpenedModel {
  readonly weights: WeightSource;
  /** Null where there is none that can be used; ids can still be given as numbers. */
  readonly tokenizer: Tokenizer | null;
  /** Why there is no tokenizer, or why the one there is cannot be used. */
  readonly tokenizerNote: string | null;
  /** End tokens and how its authors sample. */
  readonly generation: GenerationDefaults;
  /** What the user should be told, one line each. */
  readonly warnings: readonly string[];
  /** Where the model comes from and in what format. */
  readonly description: string;
  close(): Promise<void>;
}

/**
 * Opens a folder with config.json and safetensors, or with one .gguf file. Weights are read when they are asked for.
 * @throws NotFoundError, AccessError, FormatError or UnsupportedModelError, naming what is wrong and where.
 */
export async function openFolderModel(
  folder: Folder,
  name: string,
  warnings: readonly string[] = [],
): Promise<OpenedModel> {
  if (!folder.files.has('config.json')) return openGgufModel(await openOnlyGguf(folder), name, warnings);
  const opened = await openHfFolder(folder);
  const { tokenizer, note, warnings: told } = await tokenizerOrNote(() => readFolderTokenizer(folder, name));
  const { generation, warnings: more } = await readGenerationConfig(folder, name, opened.weights.config);
  return {
    weights: opened.weights,
    tokenizer,
    tokenizerNote: note,
    generation,
    warnings: [...warnings, ...opened.warnings, ...told, ...more],
    description: `${name} (safetensors)`,
    close: () => opened.weights.close(),
  };
}

/** Opens a GGUF file. @throws as openFolderModel; `source` is closed then. */
export async function openGgufModel(
  source: ByteSource,
  name: string,
  warnings: readonly string[] = [],
): Promise<OpenedModel> {
  try {
    const { weights, file } = await openGgufWeights(source);
    const { tokenizer, note } = await tokenizerOrNote(() => {
      return Promise.resolve({ tokenizer: ggufTokenizer(file.metadata, name), warnings: [] });
    });
    return {
      weights,
      tokenizer,
      tokenizerNote: note,
      generation: ggufGeneration(file.metadata, weights.config),
      warnings,
      description: `${name} (GGUF)`,
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

/** A folder without config.json may hold one GGUF file. */
async function openOnlyGguf(folder: Folder): Promise<ByteSource> {
  const names = [...folder.files].filter((file) => file.toLowerCase().endsWith('.gguf')).toSorted();
  if (names.length === 1) return folder.open(names[0]);
  throw new NotFoundError(
    names.length === 0
      ? 'has no config.json and no .gguf file.'
      : `has no config.json and ${names.length} .gguf files.`,
    {
      where: folder.name,
      remedy: names.length === 0 ? 'Point to the folder that has config.json.' : 'Name one of the files.',
    },
  );
}

/** A tokenizer that cannot be used is no reason not to open the model; why, is kept for whoever wants text. */
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
