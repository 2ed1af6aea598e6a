import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../../src/backends/reference/referenceBackend.ts';
import { ShapeError } from '../../../src/errors.ts';
import { normals } from '../../arbitraries.ts';

// What the contract leaves open and the reference is strict about. The contract itself:
// spec/contract/reference.spec.ts.
describe('the reference backend', () => {
  it('says what it is', () => {
    const backend = referenceBackend();
    expect(backend.name).toBe('reference');
    expect(backend.description).toBe('reference (f64 accumulation)');
    expect(backend.variant).toBe('reference');
    expect(backend.capacityBytes).toBe(Infinity);
  });

  it('refuses a log-sum-exp state that was passed on', async () => {
    const backend = referenceBackend();
    const x = backend.store(normals(1, 6), 2, 3);
    const tile = backend.packLinear(normals(2, 12), 4, 3, null);
    const targets = Int32Array.of(1, 5);
    const first = backend.nllTile(x, tile, 0, targets, null);
    const second = backend.nllTile(x, tile, 4, targets, first);
    expect(() => backend.nllTile(x, tile, 4, targets, first)).toThrow(ShapeError);
    expect(() => backend.finishNll(first)).toThrow(/passed on/);
    expect(await backend.finishNll(second)).toHaveLength(2);
  });

  it('counts the log-sum-exp state, three f64 a row, until it ends', async () => {
    const backend = referenceBackend();
    const x = backend.store(normals(1, 6), 2, 3);
    const tile = backend.packLinear(normals(2, 12), 4, 3, null);
    const before = backend.bytesInUse();
    const state = backend.nllTile(x, tile, 0, Int32Array.of(1, 2), null);
    expect(backend.bytesInUse()).toBe(before + 2 * 24);
    await backend.finishNll(state);
    expect(backend.bytesInUse()).toBe(before);
  });

  it('refuses to free what a scope will free', () => {
    const backend = referenceBackend();
    const scope = backend.scope();
    const x = scope.upload(normals(1, 6), 2, 3);
    expect(() => backend.free(x)).toThrow(ShapeError);
    scope.close();
    expect(backend.bytesInUse()).toBe(0);
  });

  it('views die with the scope that made them, even of arrays that live on', () => {
    const backend = referenceBackend();
    const stored = backend.store(normals(1, 6), 2, 3);
    const scope = backend.scope();
    const view = scope.view(stored, 0, 1);
    scope.close();
    expect(() => backend.scope().add(view, view)).toThrow(ShapeError);
    backend.free(stored);
  });

  it('names op and shapes', () => {
    const backend = referenceBackend();
    const scope = backend.scope();
    const x = scope.upload(normals(1, 6), 2, 3);
    const weight = backend.packLinear(normals(2, 20), 4, 5, null);
    expect(() => scope.linear(x, weight)).toThrow('reference linear: x [2, 3] and W [4, 5] do not fit.');
    expect(() => scope.add(x, scope.reshape(x, 3, 2))).toThrow(
      'reference add: [2, 3] and [3, 2] are not of one shape.',
    );
  });
});
