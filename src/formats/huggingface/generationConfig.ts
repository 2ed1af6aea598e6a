/** generation_config.json: the end tokens of a model, and how its authors sample. */
import { BlockprunerError } from '../../errors.ts';
import type { ModelConfig } from '../../model/config.ts';
import type { Folder } from '../../platform/folder.ts';
import type { GenerationDefaults } from '../generationDefaults.ts';
import { readJson } from '../jsonFile.ts';
import { Fields } from './fields.ts';

export const GENERATION_CONFIG = 'generation_config.json';

/**
 * Fields that say nothing about how to sample: book-keeping, how long a text gets, how transformers
 * runs.
 */
const inert: ReadonlySet<string> = new Set([
  '_from_model_config',
  'transformers_version',
  // The tokenizer says whether a text begins with a BOS. Texts of a batch are not padded here.
  'bos_token_id',
  'pad_token_id',
  'decoder_start_token_id',
  'max_length',
  'max_new_tokens',
  'max_time',
  'use_cache',
  'cache_implementation',
  'cache_config',
  'return_dict_in_generate',
  'output_attentions',
  'output_hidden_states',
  'output_scores',
  'output_logits',
  'num_return_sequences',
  'disable_compile',
  'compile_config',
  'chat_format',
]);

/**
 * What generation_config.json says, where there is one. Its end tokens go before those of
 * config.json, as in transformers; where it names none, config.json's count.
 * @returns also what the user should be told: a file that cannot be used is no reason not to open
 * the model.
 */
export async function readGenerationConfig(
  folder: Folder,
  name: string,
  config: ModelConfig,
): Promise<{ generation: GenerationDefaults; warnings: string[] }> {
  const fallback: GenerationDefaults = {
    endTokenIds: config.eosTokenIds,
    endTokensFrom: 'config.json',
    suggested: {},
    suggestedBy: null,
  };
  if (!folder.files.has(GENERATION_CONFIG)) return { generation: fallback, warnings: [] };
  try {
    const json = await readJson(folder, GENERATION_CONFIG);
    return parseGenerationConfig(json, `${name}: ${GENERATION_CONFIG}`, config.vocabSize, fallback);
  } catch (error) {
    if (!(error instanceof BlockprunerError)) throw error;
    return { generation: fallback, warnings: [`${error.message} The file is not used.`] };
  }
}

function parseGenerationConfig(
  json: unknown,
  where: string,
  vocabSize: number,
  fallback: GenerationDefaults,
): { generation: GenerationDefaults; warnings: string[] } {
  const fields = new Fields(json, where);
  const named = fields.tokenIds('eos_token_id');
  const known = named.filter((id) => id < vocabSize);
  const warnings =
    known.length < named.length
      ? [
          `${where}: end token ${named.find((id) => id >= vocabSize)} is outside the vocabulary of ${vocabSize}, ignored.`,
        ]
      : [];
  const suggested = Object.fromEntries(
    fields
      .unread()
      .filter((field) => !inert.has(field) && fields.has(field))
      .map((field) => [field, fields.raw(field)]),
  );
  return {
    generation: {
      ...(known.length > 0 ? { endTokenIds: known, endTokensFrom: GENERATION_CONFIG } : fallback),
      suggested,
      suggestedBy: Object.keys(suggested).length > 0 ? GENERATION_CONFIG : null,
    } as GenerationDefaults,
    warnings,
  };
}
