/**
 * The fields of a tokenizer_config.json: each is used, known to change no token, or named in a
 * warning.
 */
import { FormatError } from '../errors.ts';
import { tokenOf, type TokenToAdd } from './addTokens.ts';
import { isRecord, shown, type JsonRecord } from './jsonFields.ts';

/** Names of tokens that transformers adds where tokenizer.json lacks them, in its order. */
const tokenFields = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

const used: ReadonlySet<string> = new Set([
  ...tokenFields,
  'additional_special_tokens',
  'extra_special_tokens',
  'added_tokens_decoder',
  'add_prefix_space',
  'add_bos_token',
]);

/** Fields that change no token of a plain text. */
const inert: ReadonlySet<string> = new Set([
  // Book-keeping
  'tokenizer_class',
  'tokenizer_type',
  'processor_class',
  'auto_map',
  'name_or_path',
  'tokenizer_file',
  'vocab_file',
  'merges_file',
  'special_tokens_map_file',
  'from_slow',
  'use_fast',
  'is_local',
  'local_files_only',
  'trust_remote_code',
  'backend',
  'transformers_version',
  'model_specific_special_tokens',
  'init_inputs',
  'model_input_names',
  // Chats
  'chat_template',
  'response_schema',
  'response_template',
  'chat_control_tokens',
  'default_system_prompt',
  'use_default_system_prompt',
  // Batches, and how texts are cut to a length
  'model_max_length',
  'max_length',
  'max_len',
  'stride',
  'truncation',
  'truncation_side',
  'truncation_strategy',
  'padding',
  'padding_side',
  'pad_to_multiple_of',
  'pad_token_type_id',
  'return_token_type_ids',
  // Ids to text, which is always exact here
  'clean_up_tokenization_spaces',
  'spaces_between_special_tokens',
  'errors',
  // How a vocabulary is converted that tokenizer.json has as it is
  'legacy',
  'sp_model_kwargs',
]);

/** Fields that would change tokens, with the values at which they do not. */
const neutral: Readonly<Record<string, unknown>> = {
  // No EOS is put at the end of a text.
  add_eos_token: false,
  split_special_tokens: false,
  fix_mistral_regex: false,
  do_lower_case: false,
  strip_accents: false,
  tokenize_chinese_chars: false,
  remove_space: false,
  keep_accents: true,
};

/** A line for the user that names the fields which are not applied, if there are any. */
export function unusedFields(config: JsonRecord, where: string): string[] {
  const names = Object.entries(config)
    .filter(([field, value]) => value !== null && !used.has(field) && !inert.has(field) && !isTokenField(field, value))
    .filter(([field, value]) => !(Object.hasOwn(neutral, field) && neutral[field] === value))
    .map(([field, value]) => (typeof value === 'object' ? shown(field) : `${shown(field)}: ${short(value)}`));
  return names.length === 0 ? [] : [`${where}: fields that are not applied: ${names.slice(0, 8).join(', ')}.`];
}

/** The special tokens that a configuration names, in the order in which transformers adds them. */
export function namedTokens(config: JsonRecord, where: string): TokenToAdd[] {
  const more = Object.keys(config).filter(
    (field) => !tokenFields.includes(field) && isTokenField(field, config[field]),
  );
  const single = [...tokenFields, ...more].flatMap((field) => {
    const value = config[field] ?? null;
    if (value === null || value === '') return [];
    if (typeof value !== 'string' && !(isRecord(value) && typeof value.content === 'string')) {
      throw new FormatError(`'${field}' is not a token.`, { where });
    }
    return [value];
  });
  const extra = config.extra_special_tokens ?? config.additional_special_tokens ?? [];
  const list = isRecord(extra) ? Object.values(extra) : extra;
  if (!Array.isArray(list)) throw new FormatError("'additional_special_tokens' is not a list.", { where });
  return [...single, ...(list as unknown[])].map((value) => ({ ...tokenOf(value, true, where), special: true }));
}

/** Models with tokens of their own name them so: `image_token`. */
function isTokenField(field: string, value: unknown): boolean {
  return field.endsWith('_token') && typeof value === 'string';
}

function short(value: unknown): string {
  return typeof value === 'string' ? shown(value, 40) : String(value);
}
