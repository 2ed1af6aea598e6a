import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { Handle, LinearHandle, NllHandle, Rules } from '../../src/backends/handles.ts';
import { ShapeError } from '../../src/errors.ts';

class TestArray extends Handle {}
class TestLinear extends LinearHandle {
  readonly bytes = 0;
}
class TestNll extends NllHandle {}
class OtherArray extends Handle {}

const rules: Rules<TestArray, TestLinear, TestNll> = new Rules('test', TestArray, TestLinear, TestNll);
const array = (rows: number, cols: number): TestArray => new TestArray(rows, cols, null);

const size = fc.integer({ min: 1, max: 9 });
const ropeSpec = { heads: 3, headDim: 2, seqLen: 4, start: 0 };
const heads = { numHeads: 3, numKvHeads: 3, headDim: 2, seqLen: 4, keyLen: 4, window: null };
const table = { cos: array(8, 1), sin: array(8, 1) };
const x = array(4, 6);
const weight = new TestLinear(5, 6);
const targets = new Int32Array(4);

/** One line for each: who, which op, what is wrong. */
const refused: [line: string, call: () => unknown][] = [
  ['test add: [4, 6] and [3, 6] are not of one shape.', () => rules.pair('add', x, array(3, 6))],
  ['test linear: x [4, 5] and W [5, 6] do not fit.', () => rules.linear('linear', array(4, 5), weight)],
  ['test store: 5 elements are not [2, 3].', () => rules.size('store', 2, 3, 5)],
  ['test store: 0 elements are not [0, 3].', () => rules.size('store', 0, 3, 0)],
  ['test pack: 3 elements are not [1, 2].', () => rules.projection('pack', { length: 6 }, [2, 3], { length: 3 })],
  ['test view: rows 2 … 5 are not among those of [4, 6].', () => rules.rows('view', x, 2, 5)],
  ['test columns: columns 3 … 3 are not among those of [4, 6].', () => rules.columns('columns', x, 3, 3)],
  ['test stack: there are no parts.', () => rules.parts('stack', [])],
  ['test stack: [4, 6], [4, 5] are not of equal width.', () => rules.parts('stack', [x, array(4, 5)])],
  ['test writeRows: [2, 6] does not fit into [4, 6] at row 3.', () => rules.writeRows(x, 3, array(2, 6))],
  ['test rmsNorm: x [4, 6] and weight [1, 5] do not fit.', () => rules.vector('rmsNorm', 'weight', array(1, 5), x)],
  [
    'test rope: x [4, 6], table [8, 1] and [8, 1], 2 heads of 2 do not fit.',
    () => rules.rope('rope', x, table, { ...ropeSpec, heads: 2 }),
  ],
  [
    'test rope: x [4, 6], table [8, 1] and [8, 1], 3 heads of 2 do not fit sequences of 4 rows from position 5.',
    () => rules.rope('rope', x, table, { ...ropeSpec, start: 5 }),
  ],
  [
    `test attention: q [4, 6], k [4, 6], v [3, 6] with ${JSON.stringify(heads)} do not fit.`,
    () => rules.attention('attention', x, x, array(3, 6), heads),
  ],
  [
    'test nllTile: x [4, 6], tile [5, 6] and 3 targets do not fit.',
    () => rules.nllTile(x, weight, new Int32Array(3), null),
  ],
  [
    'test nllTile: x [4, 6], tile [5, 6] and 4 targets do not fit a state of 3 rows.',
    () => rules.nllTile(x, weight, targets, new TestNll(3)),
  ],
  ['test gatherRows: there are no ids.', () => rules.ids('gatherRows', new Int32Array(0), 5)],
  ['test gatherRows: id 5 is not among 0 … 4.', () => rules.ids('gatherRows', Int32Array.of(4, 5), 5)],
  ['test crossEntropy: id -2 is not among -1 … 4.', () => rules.ids('crossEntropy', Int32Array.of(-1, -2), 5, -1)],
  ['test placeColumns: [4, 6] does not fit into 7 columns from 2 on.', () => rules.place('placeColumns', x, 2, 7)],
  ['test add: the array belongs to another backend.', () => rules.own('add', new OtherArray(1, 1, null))],
  ['test add: the array belongs to another backend.', () => rules.own('add', { rows: 1, cols: 1 })],
  [
    'test linear: the weight belongs to another backend.',
    () => rules.ownLinear('linear', { outFeatures: 1, inFeatures: 1, bytes: 0 }),
  ],
  ['test finishNll: the log-sum-exp state belongs to another backend.', () => rules.ownNll('finishNll', { rows: 1 })],
  [
    'test free: only a stored or kept array can be freed; its scope frees this one.',
    () => rules.free(new TestArray(1, 1, x)),
  ],
];

describe('the rules of shapes and owners', () => {
  it.each(refused)('%s', (line, call) => {
    expect(call).toThrow(ShapeError);
    expect(call).toThrow(line);
  });

  test.prop([size, size, size, size])('let ranges within an array through, and no others', (rows, cols, from, to) => {
    const source = array(rows, cols);
    const among = (call: () => unknown): boolean => {
      try {
        return call() === source;
      } catch {
        return false;
      }
    };
    expect(among(() => rules.rows('view', source, from, to))).toBe(from < to && to <= rows);
    expect(among(() => rules.columns('columns', source, from, to))).toBe(from < to && to <= cols);
    expect(among(() => rules.rows('view', source, from + 0.5, to + 0.5))).toBe(false);
  });

  test.prop([size, size])('know what lies behind what fits', (rows, cols) => {
    const [a, b] = [array(rows, cols), array(rows, cols)];
    expect(rules.pair('add', a, b)).toEqual([a, b]);
    expect(rules.parts('stack', [a, b, a])).toEqual({ sources: [a, b, a], rows: 3 * rows, cols });
    expect(rules.writeRows(a, 0, b)).toEqual({ to: a, from: b });
    expect(rules.attention('attention', x, x, x, heads)).toMatchObject({ queries: x, sequences: 1 });
  });

  it('count a view as dead once its owner is, and let nobody free it', () => {
    const owner = array(4, 2);
    const view = new TestArray(1, 2, owner);
    expect([owner.isView, view.isView, view.owner === owner]).toEqual([false, true, true]);
    expect(rules.own('add', view)).toBe(view);
    owner.freed = true;
    for (const dead of [owner, view]) {
      expect(() => rules.own('add', dead)).toThrow(/^test add: the array \[\d, 2\] was freed, or its scope closed\.$/);
    }
  });

  it('refuse a scope’s array to be freed, a freed weight and an ended state', () => {
    const made = array(1, 1);
    made.scoped = true;
    expect(() => rules.free(made)).toThrow('its scope frees this one');
    const packed = new TestLinear(2, 3);
    packed.freed = true;
    expect(() => rules.ownLinear('linear', packed)).toThrow('test linear: the weight [2, 3] was freed.');
    const state = new TestNll(2);
    state.ended = true;
    expect(() => rules.ownNll('nllTile', state)).toThrow('was passed on or finished before');
  });
});
