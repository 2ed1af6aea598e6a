/** A repair's document puts its figures over the right chunks, and reads back as what it is. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { changeFigures, figures } from '../../src/eval/figures.ts';
import { pairedDifference, shareBack } from '../../src/eval/paired.ts';
import { aggregate, type ChunkScore } from '../../src/eval/perplexity.ts';
import { memoryFiles } from '../../src/platform/files.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { repairDocument, repairFigures } from '../../src/repair/document.ts';
import { readRepair, repairWords, writtenRepair } from '../../src/repair/readDocument.ts';
import { defaultRepair } from '../../src/repair/repair.ts';
import { tensorStore, type StoredTensor } from '../../src/repair/store.ts';
import { tinySource } from '../model/tinyTransformer.ts';
import { madeChunks, madeDocument, madeFit, madeScores } from './made.ts';

const store = tensorStore(memoryFiles('memory'), nodeHasher);
const NAMES = ['model.layers.0.mlp.down_proj.weight', 'model.layers.1.self_attn.o_proj.weight'];
const stored: StoredTensor[] = [];
for (const name of NAMES) stored.push(await store.write(name, [2, 3], Float32Array.from({ length: 6 }, Math.sqrt)));
const tensors = new Map(NAMES.map((name) => [name, { shape: [2, 3], dtype: 'F16', bytes: 12 }]));
const model = { config: (await tinySource({ family: 'llama' })).config, tensors };

const loss = fc.double({ min: 0.1, max: 9, noNaN: true });
const losses = fc
  .array(fc.tuple(loss, loss, loss, fc.boolean()), { minLength: 2, maxLength: 20 })
  .filter((chunks) => chunks.some(([, , , held]) => held) && chunks.some(([, , , held]) => !held));

describe('a document', () => {
  test.prop([losses])('has each chunk in one part, and each part its own perplexity', (rows) => {
    const chunks = madeChunks(rows.length);
    const [dense, pruned, repaired] = [0, 1, 2].map((at) => madeScores(rows.map((row) => row[at] as number)));
    const heldOut = rows.flatMap((row, chunk) => (row[3] ? [chunk] : []));
    const repair = { fits: [], dense, repaired, heldOut, notRepaired: [] };
    const rest = { mask: 'L0.mlp', settings: defaultRepair, tensors: [], evaluation: null, backend: '', seconds: 0 };
    const document = repairDocument({ ...rest, chunks, pruned, repaired: repair });
    const mean = (scores: readonly (number | undefined)[], held: boolean): number => {
      const own = scores.filter((_, chunk) => rows[chunk][3] === held).map(Number);
      return own.reduce((sum, value) => sum + value, 0) / own.length;
    };
    for (const [part, held] of [
      [document.fitted, false],
      [document.heldOut, true],
    ] as const) {
      const own = (scores: readonly ChunkScore[]): ChunkScore[] => scores.filter((_, chunk) => rows[chunk][3] === held);
      const [whole, before, after] = [dense, pruned, repaired].map(own);
      expect(part?.change).toEqual(changeFigures(pairedDifference(chunks, after, before)));
      expect(part?.back).toEqual(shareBack(chunks, whole, before, after));
    }
    for (const [at, kind] of (['dense', 'pruned', 'repaired'] as const).entries()) {
      const all = rows.map((row) => row[at] as number);
      expect(document.fitted[kind].nll).toBeCloseTo(mean(all, false), 10);
      expect(document.heldOut?.[kind].nll).toBeCloseTo(mean(all, true), 10);
      // How many bytes a part of a text has, nobody counted.
      expect(document.fitted[kind].bitsPerByte).toBeNull();
    }
  });

  it('has no held-out figures where nothing was held out, and then measures the whole text', () => {
    const scores = madeScores([1, 2, 3]);
    const chunks = madeChunks(3);
    const repaired = { fits: [], dense: scores, repaired: scores, heldOut: [], notRepaired: [] };
    const rest = { mask: 'L0.mlp', settings: defaultRepair, tensors: [], evaluation: null, backend: '', seconds: 0 };
    const document = repairDocument({ ...rest, chunks, pruned: scores, repaired });
    expect(document.heldOut).toBeNull();
    expect(document.fitted.dense).toEqual(figures(aggregate(chunks, scores)));
    expect(repairFigures(chunks, { dense: scores, pruned: scores, repaired: scores }).dense.bitsPerByte).not.toBeNull();
  });

  it('counts the rows that a fit saw, wherever a block keeps its weights', () => {
    const scores = madeScores([1, 2]);
    const fits = [madeFit('L0.mha', { rows: 0, heldOutRows: 0, factor: null, kept: 'why' }), madeFit('L0.mlp')];
    const repaired = { fits, dense: scores, repaired: scores, heldOut: [1], notRepaired: [] };
    const rest = { mask: 'L1.mlp', settings: defaultRepair, tensors: [], evaluation: null, backend: '', seconds: 0 };
    const document = repairDocument({ ...rest, chunks: madeChunks(2), pruned: scores, repaired });
    expect([document.rows, document.heldOutRows]).toEqual([448, 64]);
  });

  it('says what is not finite, and stays JSON', () => {
    const document = repairDocument({
      mask: 'L0.mlp',
      settings: defaultRepair,
      chunks: madeChunks(2),
      pruned: madeScores([NaN, 1]),
      repaired: {
        fits: [],
        dense: madeScores([1, 1]),
        repaired: madeScores([Infinity, 1]),
        heldOut: [1],
        notRepaired: [],
      },
      tensors: [],
      evaluation: null,
      backend: '',
      seconds: 0,
    });
    expect(document.fitted.pruned).toMatchObject({ ppl: null, status: 'nan' });
    expect(document.fitted.repaired).toMatchObject({ ppl: null, status: 'infinite' });
    expect(document.fitted.change).toBeNull();
    expect(document.fitted.back).toBeNull();
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });
});

describe('reading it back', () => {
  const written = madeDocument('L2.mlp,L1.mha', stored);
  const read = (value: unknown): unknown => readRepair(value, 'repair.json', model);

  it('gives mask, form, scope and tensors', () => {
    expect(read(JSON.parse(JSON.stringify(written)))).toEqual({
      mask: 'L2.mlp,L1.mha',
      form: 'refit',
      scope: 'all',
      tensors: stored,
      scales: [],
    });
    expect(repairWords({ form: 'refit', scope: 'all', tensors: stored, scales: [] })).toBe(
      'refit of every kept block, 2 tensors changed',
    );
    expect(repairWords({ form: 'replaceme', scope: 'cuts', tensors: stored.slice(1), scales: [] })).toBe(
      'replaceme before each cut, 1 tensor changed',
    );
  });

  const scaled = {
    ...madeDocument('L1.mlp', []),
    settings: { ...defaultRepair, form: 'scale' as const, scope: 'cuts' as const },
    blocks: [
      { ...madeFit('L0.mha'), scale: 1.25 },
      { ...madeFit('L0.mlp', { kept: 'why' }), scale: 1 },
    ],
  };

  it('gives the numbers of a scale, and leaves out the cuts that keep their streams', () => {
    const found = readRepair(JSON.parse(JSON.stringify(scaled)), 'repair.json', model);
    expect(found).toEqual(writtenRepair(scaled));
    expect(found.scales).toEqual([{ block: 'L0.mha', scale: 1.25 }]);
    expect(repairWords(found)).toBe('scale before each cut, 1 number');
  });

  const with1 = (changes: object): object => ({ ...scaled, blocks: [{ ...scaled.blocks[0], ...changes }] });
  it.each<[string, object]>([
    ['no blocks', { ...scaled, blocks: undefined }],
    ['a block without a kind', with1({ block: 'L0' })],
    ['a block that the model does not have', with1({ block: 'L99.mlp' })],
    ['no number', with1({ scale: undefined })],
    ['a number in words', with1({ scale: '1' })],
    ['a number that turns a stream round', with1({ scale: -1 })],
    ['a number that removes a stream', with1({ scale: 0 })],
  ])('refuses a scale with %s', (_, value) => {
    expect(() => read(value)).toThrow(FormatError);
    expect(() => read(value)).toThrow(/its repair does not say what was scaled, and by how much\. Run the command/);
  });

  const with0 = (changes: object): object => ({ ...written, tensors: [{ ...stored[0], ...changes }] });
  it.each<[string, unknown, RegExp]>([
    ['no object', 7, /does not say which blocks were removed/],
    ['no mask', { ...written, mask: 7 }, /does not say which blocks were removed/],
    ['no settings', { ...written, settings: null }, /does not say how it was made/],
    ['a form of its own', { ...written, settings: { ...defaultRepair, form: 'x\u001b[2J' } }, /how it was made/],
    ['a scope of its own', { ...written, settings: { ...defaultRepair, scope: 'some' } }, /how it was made/],
    ['no tensors', { ...written, tensors: {} }, /does not list its tensors/],
    ['a tensor without a hash', with0({ sha256: 'x' }), /a tensor that no repair writes/],
    ['a tensor without a shape', with0({ shape: '2,3' }), /a tensor that no repair writes/],
    ['a file that leads elsewhere', with0({ file: '../../etc/passwd' }), /a tensor that no repair writes/],
    ['a name that leads elsewhere', with0({ name: '../x', file: '../x' }), /a tensor that no repair writes/],
    ['another hash than its file says', with0({ sha256: 'a'.repeat(64) }), /a tensor that no repair writes/],
    ['a tensor twice', { ...written, tensors: [stored[0], stored[0]] }, /lists model\.layers\.0.* twice/],
  ])('refuses %s in one line', (_, value, line) => {
    expect(() => read(value)).toThrow(FormatError);
    expect(() => read(value)).toThrow(line);
    expect(() => read(value)).toThrow(/^repair\.json: its repair .*Run the command that wrote it again/);
  });

  it('refuses a tensor that the model has in another shape, or not at all', () => {
    const other = new Map([[NAMES[0], { shape: [3, 2], dtype: 'F16', bytes: 12 }]]);
    expect(() => readRepair(written, 'x', { ...model, tensors: other })).toThrow(
      /lists a tensor that the model does not have: .*down_proj/,
    );
    expect(() => readRepair(written, 'x', { ...model, tensors: new Map() })).toThrow(FormatError);
  });

  test.prop([fc.jsonValue()])('refuses any other JSON with an error of ours', (value) => {
    expect(() => read(value)).toThrow(FormatError);
  });
});
