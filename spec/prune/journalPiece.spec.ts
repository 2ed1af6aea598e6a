/** What methods keep in a journal comes back with the same bits, and nothing else does. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { Journal, type JournalHeader } from '../../src/prune/journal.ts';
import { decodeKept, encodeKept, type Kept } from '../../src/prune/journalPiece.ts';

const header: JournalHeader = { weights: 'w1', config: 'c1', tokens: 't1', settings: 's1', backend: 'reference' };
const open = (lines: readonly string[] = []): Promise<Journal> =>
  Journal.open(memoryJournal(lines), header, nodeHasher);

const someNumber = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 0, 5e-324, 1 / 3));
const someKept: fc.Arbitrary<Kept> = fc.letrec<{ value: Kept; leaf: Kept }>((tie) => ({
  leaf: fc.oneof(someNumber, fc.string({ unit: 'binary' }), fc.boolean(), fc.constant(null)),
  value: fc.oneof(
    { depthSize: 'small' },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.string({ unit: 'binary' }).filter((key) => !key.startsWith('$')),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
})).value;

test.prop([someKept])('a value comes back as it was, through JSON', (value) => {
  const back = decodeKept(JSON.parse(JSON.stringify(encodeKept(value))));
  expect(back).toStrictEqual(value);
});

// JSON.parse knows −0, which is written in a longer way.
test.prop([fc.jsonValue().map((json) => JSON.parse(JSON.stringify(json)) as unknown)])(
  'of any JSON, what is read as a value is one that would be written so',
  (json) => {
    const value = decodeKept(json);
    if (value !== undefined) expect(encodeKept(value)).toEqual(json);
  },
);

it.each([
  ['a number that is none of the four', { $number: '1' }],
  ['a number with something beside it', { $number: 'NaN', also: 1 }],
  ['a number that is an array', { $number: ['NaN'] }],
  ['a key of ours that is not known', { $other: 'NaN' }],
  ['such a thing far within', [[{ deep: [{ $number: 'nan' }] }]]],
])('%s is not read', (_, json) => {
  expect(decodeKept(json)).toBe(undefined);
});

it.each<[string, unknown]>([
  ['undefined', undefined],
  ['a typed array', Float32Array.of(1)],
  ['a map', new Map()],
  ['a function', () => 1],
  ['a key that begins with $', { $number: 'NaN' }],
  ['one of these far within', { a: [{ b: undefined }] }],
])('%s is refused before it is written', async (_, value) => {
  expect(() => encodeKept(value as Kept)).toThrow(FormatError);
  const sink = memoryJournal();
  const journal = await Journal.open(sink, header, nodeHasher);
  await expect(journal.addPiece({ type: 'piece', key: 'k', seconds: 0, value: value as Kept })).rejects.toThrow(
    /a journal cannot keep/,
  );
  expect(sink.all).toHaveLength(1);
  expect(journal.piece('k')).toBe(null);
});

it('nested without end is neither written nor read, and needs no deep stack', () => {
  let deep: Kept = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  expect(() => encodeKept(deep)).toThrow(/more than 32 levels/);
  expect(decodeKept(deep)).toBe(undefined);
});

describe('pieces of a journal', () => {
  test.prop([fc.uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), someKept), { selector: ([key]) => key })])(
    'are found again by their keys, and count for the seconds',
    async (pieces) => {
      const sink = memoryJournal();
      const written = await Journal.open(sink, header, nodeHasher);
      for (const [index, [key, value]] of pieces.entries()) {
        expect(written.piece(key)).toBe(null);
        await written.addPiece({ type: 'piece', key, seconds: index, value });
      }
      expect(sink.all).toHaveLength(1 + pieces.length);
      const read = await open(sink.all);
      for (const [index, [key, value]] of pieces.entries()) {
        expect(read.piece(key)).toStrictEqual({ type: 'piece', key, seconds: index, value });
      }
      expect(read.piece('no such key, whatever was drawn')).toBe(null);
      expect(read.seconds()).toBe(pieces.reduce((sum, _, index) => sum + index, 0));
    },
  );

  it('may stand before, between and after steps', async () => {
    const sink = memoryJournal();
    const journal = await Journal.open(sink, header, nodeHasher);
    await journal.addPiece({ type: 'piece', key: 'a', seconds: 1, value: [1, 2] });
    await journal.addStep(1, 'L0.mha', 2);
    await journal.addPiece({ type: 'piece', key: 'b', seconds: 1, value: NaN });
    await journal.addStep(2, 'L1.mha', 3);
    const read = await open(sink.all);
    expect(read.piece('a')?.value).toEqual([1, 2]);
    expect(read.piece('b')?.value).toBe(NaN);
  });

  it('are kept once: a second of the same key is refused', async () => {
    const sink = memoryJournal();
    const journal = await Journal.open(sink, header, nodeHasher);
    const piece = { type: 'piece', key: 'scores', seconds: 1, value: 1 } as const;
    await journal.addPiece(piece);
    await expect(journal.addPiece(piece)).rejects.toThrow("holds 'scores' twice");
    const [head, line] = sink.all;
    await expect(open([head, line, line])).rejects.toThrow(/:3: does not fit its checksum/);
    // Without checksums there is only the key to tell.
    const bare = [
      head.replace(/,"sum":.*}$/, '}').replace('"version":2', '"version":1'),
      line.replace(/,"sum":.*}$/, '}'),
    ];
    await expect(open([...bare, bare[1]])).rejects.toThrow(/:3: holds 'scores' twice/);
  });

  it.each([
    ['no key', { key: 3 }],
    ['negative seconds', { seconds: -1 }],
    ['no value', { value: undefined }],
    ['a number that none is', { value: { $number: 'one' } }],
  ])('with %s are damaged', async (_, fields) => {
    const record = { type: 'piece', key: 'k', seconds: 1, value: 1, ...fields };
    const lines = [JSON.stringify({ type: 'header', version: 1, ...header }), JSON.stringify(record)];
    await expect(open(lines)).rejects.toThrow(/:2: is a damaged piece record/);
  });
});
