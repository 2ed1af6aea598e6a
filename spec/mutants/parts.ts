/** Faults in small parts that others are made of: pieces, spans, buffers, fields and names. */
import type { Mutant } from './mutant.ts';

const splitting = { file: 'src/tokenizer/splitting.ts', specs: ['spec/tokenizer/splitting.spec.ts'] };
const decoders = { file: 'src/tokenizer/decoders.ts', specs: ['spec/tokenizer/decoders.spec.ts'] };
const memory = { specs: ['spec/platform/memoryBytes.spec.ts'] };
const wire = { file: 'src/web/wireError.ts', specs: ['spec/web/wireError.spec.ts'] };
const rows = { file: 'src/eval/jsonRows.ts', specs: ['spec/eval/jsonRows.spec.ts'] };

export const partMutants: readonly Mutant[] = [
  {
    ...splitting,
    name: 'two places in a row both join what stands before them',
    from: ': range.matched && !previous;',
    to: ': range.matched;',
  },
  {
    ...splitting,
    name: 'the units at the start are counted anew in every piece',
    file: 'src/tokenizer/piece.ts',
    from: 'Math.min(atStart, end) - start',
    to: 'Math.min(atStart, end - start)',
  },
  {
    name: 'of a pair that merges twice the earlier rank stays',
    file: 'src/tokenizer/mergeTable.ts',
    from: 'ranks[slot] = ranked?.[rank] ?? rank;',
    to: 'ranks[slot] ||= ranked?.[rank] ?? rank;',
    specs: ['spec/tokenizer/mergeWord.spec.ts'],
  },
  {
    name: 'Metaspace takes fields that contradict each other',
    file: 'src/tokenizer/metaspace.ts',
    from: "if (!prefixes && scheme !== 'never')",
    to: "if (!prefixes && scheme === 'first')",
    specs: ['spec/tokenizer/metaspace.spec.ts'],
  },
  {
    ...decoders,
    name: 'bytes that are not UTF-8 become one U+FFFD',
    from: "return bytes.map(() => '\\ufffd');",
    to: "return ['\\ufffd'];",
  },
  {
    ...decoders,
    name: 'Strip takes one character more from the end',
    from: 'chars.length - to < stop',
    to: 'chars.length - to <= stop',
  },
  {
    name: 'ids beyond the first growth of a buffer are lost',
    file: 'src/tokenizer/idBuffer.ts',
    from: 'larger.set(this.#ids.subarray(0, this.#length));',
    to: '',
    specs: ['spec/tokenizer/idBuffer.spec.ts'],
  },
  {
    ...memory,
    name: 'bytes in memory are handed out themselves',
    file: 'src/platform/memoryBytes.ts',
    from: 'bytes.slice(offset, offset + length)',
    to: 'bytes.subarray(offset, offset + length)',
  },
  {
    ...memory,
    name: 'a sink in memory keeps the memory of its writer',
    file: 'src/platform/fileSink.ts',
    from: 'pieces.push(piece.slice());',
    to: 'pieces.push(piece);',
  },
  {
    name: 'a variable that is not set is replaced by what every object has',
    file: 'src/platform/hub/expandPath.ts',
    from: 'Object.hasOwn(env, name) ? env[name] : undefined',
    to: 'env[name]',
    specs: ['spec/platform/hub/expandPath.spec.ts'],
  },
  {
    ...wire,
    name: 'an error of a foreign name is taken for one of the family',
    from: 'Object.hasOwn(family, name)',
    to: 'name in family',
  },
  {
    ...wire,
    name: 'a kind of error arrives as an error of the browser',
    from: 'const family = {\n  AccessError,\n',
    to: 'const family = {\n',
  },
  {
    ...rows,
    name: 'a field that a row only inherits is taken for its own',
    from: ' || !Object.hasOwn(value, name)) return undefined;',
    to: ') return undefined;',
  },
  {
    ...rows,
    name: 'a long name is cut inside a character',
    file: 'src/errors.ts',
    from: "cut.length < text.length ? cut.replace(/[\\ud800-\\udbff]$/, '') : cut",
    to: 'cut',
  },
  {
    name: 'a drawing is cut by up to a pixel',
    file: 'src/drawing/svg.ts',
    from: '`0 0 ${Math.ceil(width)} ${Math.ceil(height)}`',
    to: '`0 0 ${Math.floor(width)} ${Math.floor(height)}`',
    specs: ['spec/drawing/svg.spec.ts'],
  },
];
