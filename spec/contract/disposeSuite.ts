import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { Backend, DeviceTensor, LinearWeight, NllState, RopeTable, Scope } from '../../src/backends/backend.ts';
import { DisposedError } from '../../src/errors.ts';
import { normals } from '../arbitraries.ts';
import { tallCases } from './caseTable.ts';
import { prepareCase } from './opCase.ts';

/** What a disposed backend is called with: everything was made before. */
interface Disposed {
  backend: Backend;
  scope: Scope;
  /** [4, 6], [1, 6] and, made in the scope, [1, 6]. */
  x: DeviceTensor;
  gain: DeviceTensor;
  made: DeviceTensor;
  weight: LinearWeight;
  state: NllState;
  table: RopeTable;
}

const ids = new Int32Array(4);

/** Every use but freeing, and but the ops that the contract's cases call. */
const uses: [name: string, call: (disposed: Disposed) => unknown][] = [
  ['scope', ({ backend }) => backend.scope()],
  ['packLinear', ({ backend }) => backend.packLinear(normals(1, 6), 2, 3, null)],
  ['store', ({ backend }) => backend.store(normals(1, 6), 2, 3)],
  ['allocate', ({ backend }) => backend.allocate(2, 3)],
  ['writeRows', ({ backend, x, made }) => backend.writeRows(x, 0, made)],
  ['nllTile', ({ backend, x, weight }) => backend.nllTile(x, weight, 0, ids, null)],
  ['nllTile of a state', ({ backend, x, weight, state }) => backend.nllTile(x, weight, 5, ids, state)],
  ['finishNll', ({ backend, state }) => backend.finishNll(state)],
  ['download', ({ backend, x }) => backend.download(x)],
  ['upload', ({ scope }) => scope.upload(normals(1, 6), 2, 3)],
  ['view', ({ scope, x }) => scope.view(x, 0, 1)],
  ['reshape', ({ scope, x }) => scope.reshape(x, 6, 4)],
  ['columns', ({ scope, x }) => scope.columns(x, 0, 2)],
  ['stack', ({ scope, x }) => scope.stack([x, x])],
  ['keep', ({ scope, made }) => scope.keep(made)],
];

/** A backend ends when it is told to, whatever it is doing, and says so from then on. */
export function disposeSuite(make: () => Promise<Backend>): void {
  describe('a disposed backend', () => {
    let disposed: Disposed;
    // One for all: a GPU's takes seconds to open.
    beforeAll(async () => {
      disposed = await disposedBench(await make());
    });
    afterAll(() => disposed.backend.dispose());

    test.each(uses)('refuses %s with a DisposedError', async (_, call) => {
      await expect(async () => call(disposed)).rejects.toThrow(DisposedError);
    });

    it('refuses every op, also with work for all its threads', async () => {
      const backend = await make();
      const prepared = tallCases.map((tall) => ({ tall, ...prepareCase(backend, tall) }));
      const scope = backend.scope();
      await backend.dispose();
      for (const { tall, arrays, linears, free } of prepared) {
        expect(() => tall.run(scope, arrays, linears), tall.name).toThrow(DisposedError);
        free();
      }
      scope.close();
    });

    it('says what to do, holds nothing, may be disposed again, and lets everything be freed', async () => {
      const { backend, scope, x, gain, weight, table } = disposed;
      expect(() => backend.scope()).toThrow(/disposed.* Open a new one\.$/);
      expect(backend.bytesInUse()).toBe(0);
      expect(backend.description).toContain(backend.name);
      await Promise.all([backend.dispose(), backend.dispose()]);
      scope.close();
      for (const handle of [x, gain, table.cos, table.sin]) backend.free(handle);
      backend.freeLinear(weight);
      expect(backend.bytesInUse()).toBe(0);
    });
  });

  describe('dispose while something is under way', () => {
    it('ends a download: with its numbers, or DisposedError', async () => {
      const backend = await make();
      const x = backend.store(normals(1, 6), 2, 3);
      const scope = backend.scope();
      const download = backend.download(scope.add(x, x)).then(
        (values) => values.length,
        (error: unknown) => error instanceof DisposedError,
      );
      const disposal = backend.dispose();
      expect([6, true]).toContain(await download);
      await disposal;
    });
  });
}

async function disposedBench(backend: Backend): Promise<Disposed> {
  const scope = backend.scope();
  const x = backend.store(normals(1, 24), 4, 6);
  const gain = backend.store(normals(4, 6), 1, 6);
  const weight = backend.packLinear(normals(2, 30), 5, 6, null);
  const table = { cos: backend.allocate(8, 1), sin: backend.allocate(8, 1) };
  const state = backend.nllTile(x, weight, 0, ids, null);
  const made = scope.upload(normals(3, 6), 1, 6);
  await backend.dispose();
  return { backend, scope, x, gain, made, weight, state, table };
}
