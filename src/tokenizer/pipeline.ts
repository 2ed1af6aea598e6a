/**
 * The three text stages of a `tokenizer.json` around its model: normalizer, pre-tokenizer, decoder. What the library
 * cannot do, or would do in another way than the format says, is refused or rewritten here, because a stage that is
 * ignored gives other tokens without a word.
 */
import { FormatError, UnsupportedModelError } from '../errors.ts';
import { flagField, isRecord, listField, shown, textField, type JsonRecord } from './jsonFields.ts';
import { escapedPattern, gpt2Split, isolate } from './splitPatterns.ts';

export type Stage = 'normalizer' | 'pre_tokenizer' | 'decoder';

type Reader = (part: JsonRecord, where: string) => JsonRecord;

/** Deeper than any real file nests its sequences, and shallow enough for the stack. */
const MAX_DEPTH = 8;

/** How many times its length a text may become by replacements one after the other; real files shorten or keep it. */
const MAX_GROWTH = 1024;

const sequenceKeys: Record<Stage, string> = {
  normalizer: 'normalizers',
  pre_tokenizer: 'pretokenizers',
  decoder: 'decoders',
};

const readers: Record<Stage, Record<string, Reader>> = {
  normalizer: {
    NFC: plain,
    NFD: plain,
    NFKC: plain,
    NFKD: plain,
    Lowercase: plain,
    Prepend: (part, where) => ({ type: 'Prepend', prepend: textField(part, 'prepend', where) }),
    Replace: replace,
  },
  pre_tokenizer: { ByteLevel: byteLevel, Digits: digits, Metaspace: metaspace, Split: split },
  decoder: {
    ByteLevel: () => ({ type: 'ByteLevel' }),
    ByteFallback: plain,
    Fuse: plain,
    Metaspace: (part, where) => ({ type: 'Metaspace', replacement: replacementOf(part, where) }),
    Replace: replace,
    Strip: strip,
  },
};

/**
 * A stage as the library should get it; null where the file has none.
 * @throws FormatError for missing or mistyped fields, UnsupportedModelError for a kind of stage that is not known.
 */
export function readStage(stage: Stage, json: unknown, where: string, depth = 0): JsonRecord | null {
  if (json === null || json === undefined) return null;
  const place = `${where}: ${stage}`;
  if (!isRecord(json)) throw new FormatError('is no JSON object.', { where: place });
  const type = textField(json, 'type', place);
  if (type === 'Sequence') {
    if (depth === MAX_DEPTH) throw new FormatError('nests too deep.', { where: place });
    const parts = listField(json, sequenceKeys[stage], place);
    const read = parts.map((part) => readStage(stage, part, where, depth + 1));
    return bounded({ type, [sequenceKeys[stage]]: read.filter((part) => part !== null) }, place);
  }
  if (!Object.hasOwn(readers[stage], type)) {
    throw new UnsupportedModelError(`${shown(type)} is not supported.`, {
      where: place,
      remedy: `Supported: ${Object.keys(readers[stage]).join(', ')}, Sequence.`,
    });
  }
  return bounded(readers[stage][type](json, place), place);
}

/** @throws FormatError where replacements feed each other until a short text fills the memory. */
function bounded(stage: JsonRecord, where: string): JsonRecord {
  if (growth(stage) > MAX_GROWTH) throw new FormatError('makes texts impossibly long.', { where });
  return stage;
}

/** An upper bound on a text's length after a stage, as a multiple of its length before. */
function growth(stage: JsonRecord): number {
  if (stage.type === 'Replace') {
    // A regular expression may match between any two characters.
    const [matched, kept] =
      isRecord(stage.pattern) && typeof stage.pattern.String === 'string' ? [stage.pattern.String.length, 0] : [1, 1];
    return Math.max(1, String(stage.content).length / matched + kept);
  }
  return partsOf(stage).reduce((product, part) => product * growth(part), 1);
}

/** Whether a stage is of this type or contains one that is. */
export function stageHas(stage: JsonRecord | null, type: string): boolean {
  if (stage === null) return false;
  if (stage.type === type) return true;
  return partsOf(stage).some((part) => stageHas(part, type));
}

/** The parts of a sequence; none of any other stage. */
function partsOf(stage: JsonRecord): JsonRecord[] {
  return Object.values(sequenceKeys).flatMap((key) => {
    const parts = stage[key];
    return Array.isArray(parts) ? parts.filter(isRecord) : [];
  });
}

function plain(part: JsonRecord): JsonRecord {
  return { type: part.type };
}

/** The library hands `content` to String.replaceAll, where `$` is no plain character; hence `$$`. */
function replace(part: JsonRecord, where: string): JsonRecord {
  const content = textField(part, 'content', where).replaceAll('$', '$$$$');
  return { type: 'Replace', pattern: pattern(part, where), content };
}

function pattern(part: JsonRecord, where: string): JsonRecord {
  const json = part.pattern;
  if (isRecord(json)) {
    if (typeof json.Regex === 'string') return { Regex: json.Regex };
    if (typeof json.String === 'string' && json.String !== '') return { String: json.String };
  }
  throw new FormatError("'pattern' is neither a Regex nor a String.", { where });
}

/**
 * GPT-2's split is written out as a pattern: the library's own one takes JavaScript's idea of white space, which
 * differs from Unicode's in U+FEFF and U+0085.
 */
function byteLevel(part: JsonRecord, where: string): JsonRecord {
  const bytes = {
    type: 'ByteLevel',
    add_prefix_space: flagField(part, 'add_prefix_space', true, where),
    use_regex: flagField(part, 'use_regex', true, where),
  };
  if (!bytes.use_regex) return bytes;
  // The prefix space comes before the split, so that this rare case stays with the library.
  if (bytes.add_prefix_space) return bytes;
  return { type: 'Sequence', pretokenizers: [gpt2Split, { ...bytes, use_regex: false }] };
}

/** Digits of any script, as the format has it; the library's own would know ASCII's only. */
function digits(part: JsonRecord, where: string): JsonRecord {
  const single = flagField(part, 'individual_digits', false, where);
  return isolate(single ? '\\p{N}' : '\\p{N}+');
}

function split(part: JsonRecord, where: string): JsonRecord {
  const invert = flagField(part, 'invert', false, where);
  const behavior = textField(part, 'behavior', where);
  if (behavior !== 'Removed' && (behavior !== 'Isolated' || invert)) {
    throw new UnsupportedModelError(`a Split ${shown(behavior, 40)}${invert ? ', inverted,' : ''} is unknown.`, {
      where,
      remedy: 'Supported: Isolated, Removed.',
    });
  }
  const { Regex, String: literal } = pattern(part, where);
  const regex = typeof Regex === 'string' ? Regex : escapedPattern(String(literal));
  // The library removes by String.split, which would keep what a group captures.
  return { type: 'Split', pattern: { Regex: behavior === 'Removed' ? uncaptured(regex) : regex }, behavior, invert };
}

/** The pattern with groups that capture nothing. Escapes and classes are skipped as they are. */
function uncaptured(regex: string): string {
  return regex.replaceAll(/\\.|\[(?:\\.|[^\]\\])*\]|\((?!\?)/gsu, (part) => (part === '(' ? '(?:' : part));
}

/** With `split`, the default, every ▁ begins a new word, which the library leaves out. */
function metaspace(part: JsonRecord, where: string): JsonRecord {
  const replacement = replacementOf(part, where);
  const legacyScheme = flagField(part, 'add_prefix_space', true, where) ? 'always' : 'never';
  const scheme = part.prepend_scheme ?? legacyScheme;
  if (scheme !== 'always' && scheme !== 'never' && scheme !== 'first') {
    throw new FormatError("'prepend_scheme' is none of always, never, first.", { where });
  }
  const spaces = { type: 'Metaspace', replacement, prepend_scheme: scheme };
  if (!flagField(part, 'split', true, where)) return spaces;
  const mark = `\\u{${(replacement.codePointAt(0) ?? 0).toString(16)}}`;
  return { type: 'Sequence', pretokenizers: [spaces, isolate(`${mark}[^${mark}]*`)] };
}

function replacementOf(part: JsonRecord, where: string): string {
  const replacement = part.replacement ?? '▁';
  if (typeof replacement !== 'string' || [...replacement].length !== 1) {
    throw new FormatError("'replacement' is not one character.", { where });
  }
  return replacement;
}

function strip(part: JsonRecord, where: string): JsonRecord {
  const { start = 0, stop = 0 } = part;
  const valid = [start, stop].every((count) => typeof count === 'number' && Number.isInteger(count) && count >= 0);
  if (!valid) throw new FormatError("'start' or 'stop' is no count.", { where });
  return { type: 'Strip', content: textField(part, 'content', where), start, stop };
}
