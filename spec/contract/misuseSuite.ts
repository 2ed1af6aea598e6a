import { describe, expect, it, test } from 'vitest';
import type { Backend, DeviceTensor, LinearWeight, NllState, RopeTable, Scope } from '../../src/backends/backend.ts';
import { ShapeError } from '../../src/errors.ts';
import { disposeSuite } from './disposeSuite.ts';

/**
 * What a wrong call is made with: x [4, 6], W [5, 6] and a RoPE table of 8 positions for heads of
 * 2.
 */
interface Bench {
  backend: Backend;
  scope: Scope;
  x: DeviceTensor;
  weight: LinearWeight;
  table: RopeTable;
  /** An array of zeros, for shapes that do not fit. */
  zeros: (rows: number, cols: number) => DeviceTensor;
}

const heads = { numHeads: 3, numKvHeads: 3, headDim: 2, seqLen: 4, keyLen: 4, window: null };
const spec = { heads: 3, headDim: 2, seqLen: 4, start: 0 };
const floats = (length: number): Float32Array => new Float32Array(length);

/** Calls whose shapes do not fit: the op that must be named, what is wrong, the call. */
const wrongShapes: [op: string, what: string, call: (bench: Bench) => unknown][] = [
  ['store', 'too few elements', ({ backend }) => backend.store(floats(5), 2, 3)],
  ['upload', 'too many elements', ({ scope }) => scope.upload(floats(7), 2, 3)],
  ['packLinear', 'a weight of another size', ({ backend }) => backend.packLinear(floats(5), 2, 3, null)],
  ['packLinear', 'a bias of another length', ({ backend }) => backend.packLinear(floats(6), 2, 3, floats(3))],
  ['view', 'rows beyond the end', ({ scope, x }) => scope.view(x, 2, 5)],
  ['view', 'negative rows', ({ scope, x }) => scope.view(x, -1, 2)],
  ['view', 'rows the wrong way round', ({ scope, x }) => scope.view(x, 3, 2)],
  ['view', 'half a row', ({ scope, x }) => scope.view(x, 0.5, 2)],
  ['reshape', 'another number of elements', ({ scope, x }) => scope.reshape(x, 5, 5)],
  ['rmsNorm', 'a gain of another length', ({ scope, x, zeros }) => scope.rmsNorm(x, zeros(1, 5), 1e-5)],
  [
    'layerNorm',
    'a gain of another length',
    ({ scope, x, zeros }) => scope.layerNorm(x, zeros(1, 5), zeros(1, 6), 1e-5),
  ],
  [
    'layerNorm',
    'a bias of another length',
    ({ scope, x, zeros }) => scope.layerNorm(x, zeros(1, 6), zeros(1, 7), 1e-5),
  ],
  ['linear', 'another input width', ({ scope, weight, zeros }) => scope.linear(zeros(4, 5), weight)],
  ['rope', 'another number of heads', ({ scope, x, table }) => scope.rope(x, table, { ...spec, heads: 2 })],
  ['rope', 'a table for other heads', ({ scope, x, table }) => scope.rope(x, table, { ...spec, heads: 1, headDim: 6 })],
  ['rope', 'positions beyond the table', ({ scope, x, table }) => scope.rope(x, table, { ...spec, start: 5 })],
  ['rope', 'a negative position', ({ scope, x, table }) => scope.rope(x, table, { ...spec, start: -1 })],
  ['rope', 'part of a sequence', ({ scope, x, table }) => scope.rope(x, table, { ...spec, seqLen: 3 })],
  [
    'rope',
    'a sine table of another width',
    ({ scope, x, table, zeros }) => scope.rope(x, { ...table, sin: zeros(8, 2) }, spec),
  ],
  ['attention', 'another number of heads', ({ scope, x }) => scope.attention(x, x, x, { ...heads, numHeads: 6 })],
  ['attention', 'heads that do not group', ({ scope, x }) => scope.attention(x, x, x, { ...heads, numKvHeads: 2 })],
  ['attention', 'part of a sequence', ({ scope, x }) => scope.attention(x, x, x, { ...heads, seqLen: 3 })],
  ['attention', 'fewer keys than queries', ({ scope, x }) => scope.attention(x, x, x, { ...heads, keyLen: 3 })],
  ['attention', 'missing keys', ({ scope, x }) => scope.attention(x, x, x, { ...heads, keyLen: 5 })],
  ['attention', 'missing values', ({ scope, x, zeros }) => scope.attention(x, x, zeros(3, 6), heads)],
  ['attention', 'values of another width', ({ scope, x, zeros }) => scope.attention(x, x, zeros(4, 4), heads)],
  ['attention', 'an empty window', ({ scope, x }) => scope.attention(x, x, x, { ...heads, window: 0 })],
  ['swiglu', 'another number of rows', ({ scope, x, zeros }) => scope.swiglu(x, zeros(3, 6))],
  ['add', 'another number of columns', ({ scope, x, zeros }) => scope.add(x, zeros(4, 5))],
  ['add', 'the same elements in another shape', ({ scope, x, zeros }) => scope.add(x, zeros(6, 4))],
  ['columns', 'columns beyond the end', ({ scope, x }) => scope.columns(x, 3, 7)],
  ['columns', 'no columns', ({ scope, x }) => scope.columns(x, 3, 3)],
  ['columns', 'half a column', ({ scope, x }) => scope.columns(x, 0.5, 3)],
  ['stack', 'no parts', ({ scope }) => scope.stack([])],
  ['stack', 'parts of unequal width', ({ scope, x, zeros }) => scope.stack([x, x, zeros(4, 5)])],
  ['stack', 'the same elements in another shape', ({ scope, x, zeros }) => scope.stack([zeros(6, 4), x])],
  ['rowCosines', 'another number of rows', ({ scope, x, zeros }) => scope.rowCosines(x, zeros(3, 6))],
  ['rowCosines', 'the same elements in another shape', ({ scope, x, zeros }) => scope.rowCosines(x, zeros(6, 4))],
  ['writeRows', 'rows beyond the end', ({ backend, x, zeros }) => backend.writeRows(x, 3, zeros(2, 6))],
  ['writeRows', 'a negative row', ({ backend, x, zeros }) => backend.writeRows(x, -1, zeros(2, 6))],
  ['writeRows', 'half a row', ({ backend, x, zeros }) => backend.writeRows(x, 0.5, zeros(2, 6))],
  ['writeRows', 'rows of another width', ({ backend, x, zeros }) => backend.writeRows(x, 0, zeros(2, 5))],
  [
    'nllTile',
    'another input width',
    ({ backend, weight, zeros }) => backend.nllTile(zeros(4, 5), weight, 0, new Int32Array(4), null),
  ],
  ['nllTile', 'missing targets', ({ backend, x, weight }) => backend.nllTile(x, weight, 0, new Int32Array(3), null)],
];

/** Calls with something that is dead or not this backend's. */
const wrongHandles: [op: string, what: string, call: (bench: Bench) => unknown][] = [
  ['keep', 'a view', ({ scope, x }) => scope.keep(scope.view(x, 0, 2))],
  ['keep', 'a reshape', ({ scope, x }) => scope.keep(scope.reshape(x, 6, 4))],
  ['keep', 'a stored array', ({ scope, x }) => scope.keep(x)],
  ['keep', "another scope's array", ({ backend, zeros }) => inNewScope(backend, (other) => other.keep(zeros(2, 2)))],
  ['free', 'a view', ({ backend, scope, x }) => backend.free(scope.view(x, 0, 2))],
  ['free', "a scope's array", ({ backend, zeros }) => backend.free(zeros(2, 2))],
  ['add', 'an array of no backend', ({ scope, x }) => scope.add(x, { rows: 4, cols: 6 })],
  ['stack', 'an array of no backend', ({ scope, x }) => scope.stack([x, { rows: 4, cols: 6 }])],
  ['columnSquares', 'an array of no backend', ({ scope }) => scope.columnSquares({ rows: 4, cols: 6 })],
  ['gram', 'an array of no backend', ({ scope }) => scope.gram({ rows: 4, cols: 6 })],
  ['rowCosines', 'an array of no backend', ({ scope, x }) => scope.rowCosines(x, { rows: 4, cols: 6 })],
  ['download', 'an array of no backend', ({ backend }) => backend.download({ rows: 1, cols: 1 })],
  ['linear', 'a weight of no backend', ({ scope, x }) => scope.linear(x, { inFeatures: 6, outFeatures: 5, bytes: 0 })],
  [
    'nllTile',
    'a state of no backend',
    ({ backend, x, weight }) => backend.nllTile(x, weight, 0, new Int32Array(4), { rows: 4 }),
  ],
];

/** A caller's mistakes are refused with a ShapeError that names the op, and change nothing. */
export function misuseSuite(backend: () => Backend, make: () => Promise<Backend>): void {
  disposeSuite(make);

  describe('a call that does not fit is refused', () => {
    test.each(wrongShapes)('%s: %s', (op, _, call) => expectRefused(backend(), op, call));
    test.each(wrongHandles)('%s: %s', (op, _, call) => expectRefused(backend(), op, call));

    it('nllTile: a state of other rows', async () => {
      const [x, fewer] = [backend().allocate(4, 6), backend().allocate(3, 6)];
      const weight = backend().packLinear(floats(30), 5, 6, null);
      const state = backend().nllTile(x, weight, 0, new Int32Array(4), null);
      expect(() => backend().nllTile(fewer, weight, 5, new Int32Array(3), state)).toThrow(ShapeError);
      await backend().finishNll(state);
      backend().freeLinear(weight);
      for (const handle of [x, fewer]) backend().free(handle);
    });
  });

  describe('what is dead is refused', () => {
    it('an array after it was freed, and views of it', () => {
      const scope = backend().scope();
      const x = backend().allocate(2, 2);
      const view = scope.view(x, 0, 1);
      backend().free(x);
      for (const dead of [x, view]) {
        expect(() => scope.add(dead, dead)).toThrow(ShapeError);
        expect(() => scope.stack([dead])).toThrow(ShapeError);
        expect(() => scope.gram(dead)).toThrow(ShapeError);
        expect(() => scope.columnSquares(dead)).toThrow(ShapeError);
        expect(() => scope.rowCosines(dead, dead)).toThrow(ShapeError);
        expect(() => backend().download(dead)).toThrow(ShapeError);
      }
      expect(() => backend().free(x)).toThrow(ShapeError);
      scope.close();
    });

    it("a closed scope's arrays, and the scope itself", () => {
      const scope = backend().scope();
      const x = scope.upload(floats(4), 2, 2);
      const view = scope.view(x, 0, 1);
      const stored = backend().allocate(2, 2);
      scope.close();
      for (const dead of [x, view]) expect(() => backend().download(dead)).toThrow(ShapeError);
      expect(() => backend().free(x)).toThrow(ShapeError);
      expect(() => scope.close()).toThrow(ShapeError);
      expect(() => scope.upload(floats(4), 2, 2)).toThrow(ShapeError);
      expect(() => scope.add(stored, stored)).toThrow(ShapeError);
      expect(() => scope.stack([stored])).toThrow(ShapeError);
      expect(() => scope.gram(stored)).toThrow(ShapeError);
      expect(() => scope.columnSquares(stored)).toThrow(ShapeError);
      expect(() => scope.rowCosines(stored, stored)).toThrow(ShapeError);
      expect(() => scope.view(stored, 0, 1)).toThrow(ShapeError);
      expect(() => scope.reshape(stored, 4, 1)).toThrow(ShapeError);
      backend().free(stored);
    });

    it('an array that is kept twice', () => {
      const scope = backend().scope();
      const x = scope.keep(scope.upload(floats(4), 2, 2));
      expect(() => scope.keep(x)).toThrow(ShapeError);
      scope.close();
      backend().free(x);
    });

    it('a weight after it was freed', () => {
      const weight = backend().packLinear(floats(4), 2, 2, null);
      backend().freeLinear(weight);
      expect(() => backend().freeLinear(weight)).toThrow(ShapeError);
      const scope = backend().scope();
      expect(() => scope.linear(scope.upload(floats(4), 2, 2), weight)).toThrow(ShapeError);
      scope.close();
    });

    it('a log-sum-exp state after it was finished', async () => {
      const x = backend().allocate(2, 2);
      const weight = backend().packLinear(floats(4), 2, 2, null);
      const targets = new Int32Array(2);
      const state: NllState = backend().nllTile(x, weight, 0, targets, null);
      await backend().finishNll(state);
      await expect(async () => backend().finishNll(state)).rejects.toThrow(ShapeError);
      expect(() => backend().nllTile(x, weight, 2, targets, state)).toThrow(ShapeError);
      backend().free(x);
      backend().freeLinear(weight);
    });
  });
}

async function expectRefused(backend: Backend, op: string, call: (bench: Bench) => unknown): Promise<void> {
  const scope = backend.scope();
  const x = backend.allocate(4, 6);
  const weight = backend.packLinear(floats(30), 5, 6, null);
  const zeros = (rows: number, cols: number): DeviceTensor => scope.upload(floats(rows * cols), rows, cols);
  const table = { cos: backend.allocate(8, 1), sin: backend.allocate(8, 1) };
  const refused = expect(async () => call({ backend, scope, x, weight, table, zeros })).rejects;
  await refused.toThrow(ShapeError);
  await expect(async () => call({ backend, scope, x, weight, table, zeros })).rejects.toThrow(op);
  expect(await backend.download(x)).toEqual(floats(24));
  scope.close();
  for (const handle of [x, table.cos, table.sin]) backend.free(handle);
  backend.freeLinear(weight);
}

function inNewScope(backend: Backend, use: (scope: Scope) => unknown): void {
  const scope = backend.scope();
  try {
    use(scope);
  } finally {
    scope.close();
  }
}
