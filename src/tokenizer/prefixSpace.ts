/**
 * `add_prefix_space` of a tokenizer_config.json: whether a text's first word is read as if a space
 * came before it.
 */
import { flagField, isRecord, type JsonRecord } from './jsonFields.ts';

const PREFIX = '▁';

/**
 * The tokenizer.json with the setting; unchanged where the configuration does not say. It goes to
 * the ByteLevel or Metaspace stage of the pre-tokenizer. Without a prefix, a normalizer's `Prepend`
 * and the decoder's `Strip`, which SentencePiece-like tokenizers have for it, go too.
 * @throws FormatError for a value that is neither true nor false.
 */
export function withPrefixSpace(
  json: JsonRecord,
  config: JsonRecord,
  where: string,
): { json: JsonRecord; warnings: string[] } {
  if ((config.add_prefix_space ?? null) === null) return { json, warnings: [] };
  const wanted = flagField(config, 'add_prefix_space', false, where);
  const stages = { pre_tokenizer: json.pre_tokenizer ?? null, normalizer: json.normalizer ?? null };
  const prepends = has(stages.normalizer, isPrepend);
  const found = prepends || has(stages.pre_tokenizer, (part) => part.type === 'ByteLevel' || part.type === 'Metaspace');
  if (!found) {
    const warnings = wanted ? [`${where}: add_prefix_space has no stage in tokenizer.json, not applied.`] : [];
    return { json, warnings };
  }
  const changed = { ...json, pre_tokenizer: mapped(stages.pre_tokenizer, (part) => setPrefix(part, wanted, config)) };
  const spaced = stages.pre_tokenizer !== null && has(stages.pre_tokenizer, (part) => part.type === 'Metaspace');
  if (wanted || !(prepends || spaced)) return { json: changed, warnings: [] };
  const kept = (remove: (part: JsonRecord) => boolean) => (part: JsonRecord) => (remove(part) ? null : part);
  return {
    json: {
      ...changed,
      normalizer: mapped(stages.normalizer, kept(isPrepend)),
      decoder: mapped(json.decoder ?? null, kept(isLeadingStrip)),
    },
    warnings: [],
  };
}

function setPrefix(part: JsonRecord, wanted: boolean, config: JsonRecord): JsonRecord {
  if (part.type === 'ByteLevel') return { ...part, add_prefix_space: wanted };
  if (part.type !== 'Metaspace') return part;
  const { add_prefix_space: legacy, ...rest } = part;
  const scheme = part.prepend_scheme ?? (legacy === false ? 'never' : 'always');
  if (!wanted) return { ...rest, prepend_scheme: 'never' };
  // The newer scheme puts none after a special token.
  return { ...rest, prepend_scheme: scheme === 'never' ? (config.legacy === true ? 'always' : 'first') : scheme };
}

const isPrepend = (part: JsonRecord): boolean => part.type === 'Prepend' && part.prepend === PREFIX;
const isLeadingStrip = (part: JsonRecord): boolean => part.type === 'Strip' && part.start === 1 && part.content === ' ';

const lists = ['normalizers', 'pretokenizers', 'decoders'];

/**
 * A stage with each of its parts changed; a part that becomes null goes. What is no stage is left
 * for its reader.
 */
function mapped(stage: unknown, change: (part: JsonRecord) => JsonRecord | null): unknown {
  if (!isRecord(stage)) return stage;
  const list = lists.find((key) => Array.isArray(stage[key]));
  if (stage.type !== 'Sequence' || list === undefined) return change(stage);
  const parts = (stage[list] as unknown[]).map((part) => mapped(part, change));
  return { ...stage, [list]: parts.filter((part) => part !== null) };
}

function has(stage: unknown, wanted: (part: JsonRecord) => boolean): boolean {
  let found = false;
  mapped(stage, (part) => {
    found ||= wanted(part);
    return part;
  });
  return found;
}
