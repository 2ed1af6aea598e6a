/**
 * A Hugging Face config.json as a ModelConfig. Only what is known to be computed right passes: a
 * field that changes the numbers in a way we do not compute is refused by name and value, fields
 * that change nothing are skipped, and the names of all others are handed back to be warned about.
 */
import { UnsupportedModelError } from '../../errors.ts';
import type { FamilyName, ModelConfig, ParsedConfig } from '../../model/config.ts';
import { hasFiniteAngles } from '../../model/ropeAngles.ts';
import { quoted } from '../quoted.ts';
import { parseGpt2 } from './families/gpt2.ts';
import { parseLlamaLike } from './families/llamaLike.ts';
import type { ParsedFamily } from './families/shared.ts';
import { Fields } from './fields.ts';
import { isInert } from './inertFields.ts';

/** `model_type` → parser. A new family is a new line here, with its table and its tensor names. */
const parsers: Readonly<Record<FamilyName, (fields: Fields) => ParsedFamily>> = {
  llama: (fields) => parseLlamaLike('llama', fields),
  mistral: (fields) => parseLlamaLike('mistral', fields),
  qwen2: (fields) => parseLlamaLike('qwen2', fields),
  qwen3: (fields) => parseLlamaLike('qwen3', fields),
  gpt2: parseGpt2,
};

/**
 * @param where the file's name, for messages.
 * @throws UnsupportedModelError for a model type or a value that we do not compute; FormatError for
 * a missing field or a value of the wrong kind.
 */
export function parseHfConfig(json: unknown, where: string): ParsedConfig {
  const fields = new Fields(json, where);
  const type = fields.text('model_type');
  if (!Object.hasOwn(parsers, type)) {
    throw new UnsupportedModelError(`model_type ${quoted(type)} is not supported.`, {
      where,
      remedy: `Supported: ${Object.keys(parsers).join(', ')}.`,
    });
  }
  const { config, unknownFields } = parsers[type as FamilyName](fields);
  if (!hasFiniteAngles(config)) {
    throw fields.bad('rope_theta and the rope scaling give angles that are not finite numbers.');
  }
  return {
    ...withinVocabulary(config),
    unknownFields: [...fields.unread().filter((name) => !isInert(name)), ...unknownFields],
  };
}

/** The config without special tokens that the embedding has no row for: no text can hold them. */
function withinVocabulary(config: ModelConfig): Pick<ParsedConfig, 'config' | 'idsOutside'> {
  const idsOutside: string[] = [];
  const within = (field: string, id: number | null): boolean => {
    if (id === null || id < config.vocabSize) return true;
    idsOutside.push(`${field} ${id}`);
    return false;
  };
  const { bosTokenId, eosTokenIds, padTokenId } = config;
  const ids = {
    bosTokenId: within('bos_token_id', bosTokenId) ? bosTokenId : null,
    eosTokenIds: eosTokenIds.filter((id) => within('eos_token_id', id)),
    padTokenId: within('pad_token_id', padTokenId) ? padTokenId : null,
  };
  return { config: { ...config, ...ids }, idsOutside };
}
