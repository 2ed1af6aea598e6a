import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { normals, seeds } from '../arbitraries.ts';

const rows = fc.integer({ min: 1, max: 12 });
const cols = fc.integer({ min: 1, max: 40 });

/**
 * Who owns which memory, who shares it, and that all of it comes back. After every test as many
 * bytes are in use as before.
 */
export function memorySuite(backend: () => Backend): void {
  describe('memory', () => {
    test.prop([fc.array(fc.record({ rows, cols, kept: fc.boolean() }), { maxLength: 12 }), seeds])(
      'a scope frees what is not kept, and the kept arrays stay as they are',
      async (arrays, seed) => {
        const scope = backend().scope();
        const atFirst = backend().bytesInUse();
        let keptBytes = 0;
        const made = arrays.map((array) => {
          const before = backend().bytesInUse();
          const data = normals(seed, array.rows * array.cols);
          const handle = scope.upload(data, array.rows, array.cols);
          const bytes = backend().bytesInUse() - before;
          expect(bytes).toBeGreaterThanOrEqual(data.byteLength);
          if (array.kept) {
            expect(scope.keep(handle)).toBe(handle);
            keptBytes += bytes;
          }
          return { ...array, data, handle };
        });
        scope.close();
        expect(backend().bytesInUse() - atFirst).toBe(keptBytes);
        for (const { kept, data, handle } of made) {
          if (!kept) continue;
          expect(await backend().download(handle)).toEqual(data);
          backend().free(handle);
        }
      },
    );

    it('a packed weight holds as many bytes as it says', () => {
      for (const bias of [null, normals(2, 13)]) {
        const before = backend().bytesInUse();
        const weight = backend().packLinear(normals(1, 13 * 7), 13, 7, bias);
        expect(weight.bytes).toBe(backend().bytesInUse() - before);
        expect(weight.bytes).toBeGreaterThanOrEqual((13 * 7 + (bias?.length ?? 0)) * 4);
        backend().freeLinear(weight);
        expect(backend().bytesInUse()).toBe(before);
      }
    });

    it('a log-sum-exp state holds nllRowBytes a row, but for rounding', async () => {
      const x = backend().store(normals(1, 600), 200, 3);
      const tile = backend().packLinear(normals(2, 12), 4, 3, null);
      const before = backend().bytesInUse();
      const state = backend().nllTile(x, tile, 0, new Int32Array(200), null);
      const rounding = backend().bytesInUse() - before - 200 * backend().nllRowBytes;
      expect(rounding).toBeGreaterThanOrEqual(0);
      expect(rounding).toBeLessThan(256);
      await backend().finishNll(state);
      backend().free(x);
      backend().freeLinear(tile);
    });

    it('a log-sum-exp state holds memory until it is finished', async () => {
      const x = backend().store(normals(1, 6), 2, 3);
      const tile = backend().packLinear(normals(2, 12), 4, 3, null);
      const before = backend().bytesInUse();
      const targets = Int32Array.of(1, 5);
      let state = backend().nllTile(x, tile, 0, targets, null);
      const during = backend().bytesInUse();
      expect(during).toBeGreaterThan(before);
      state = backend().nllTile(x, tile, 4, targets, state);
      expect(backend().bytesInUse()).toBe(during);
      await backend().finishNll(state);
      expect(backend().bytesInUse()).toBe(before);
      backend().free(x);
      backend().freeLinear(tile);
    });

    it('host arrays are copied on the way in and on the way out', async () => {
      const data = normals(3, 6);
      const scope = backend().scope();
      const handles = [backend().store(data, 2, 3), scope.upload(data, 2, 3)];
      const weight = backend().packLinear(data, 2, 3, null);
      const product = await backend().download(scope.linear(handles[1], weight));
      const original = data.slice();
      data.fill(7);
      for (const handle of handles) {
        const once = await backend().download(handle);
        expect(once).toEqual(original);
        once.fill(9);
        expect(await backend().download(handle)).toEqual(original);
      }
      expect(await backend().download(scope.linear(handles[1], weight))).toEqual(product);
      scope.close();
      backend().free(handles[0]);
      backend().freeLinear(weight);
    });

    it('a new slot is zero, also where other arrays lay before', async () => {
      const old = [1, 2, 3].map((seed) => backend().store(normals(seed, 40), 4, 10));
      for (const handle of old) backend().free(handle);
      const slot = backend().allocate(12, 10);
      expect(await backend().download(slot)).toEqual(new Float32Array(120));
      backend().free(slot);
    });
  });

  describe('views and writes', () => {
    test.prop([rows, cols, seeds, fc.nat(), fc.nat()])(
      'a view is its rows, a reshape the same elements, and both see later writes',
      async (height, width, seed, first, count) => {
        const data = normals(seed, height * width);
        const from = first % height;
        const to = from + 1 + (count % (height - from));
        const stored = backend().store(data, height, width);
        const before = backend().bytesInUse();
        const scope = backend().scope();
        const view = scope.view(stored, from, to);
        const flat = scope.reshape(view, 1, (to - from) * width);
        expect([view.rows, view.cols, flat.rows, flat.cols]).toEqual([to - from, width, 1, (to - from) * width]);
        expect(backend().bytesInUse()).toBe(before);
        const part = data.slice(from * width, to * width);
        expect(await backend().download(view)).toEqual(part);
        const row = normals(seed + 1, width);
        backend().writeRows(stored, from, scope.upload(row, 1, width));
        part.set(row);
        expect(await backend().download(view)).toEqual(part);
        expect(await backend().download(flat)).toEqual(part);
        // An op on a view's view reads the same rows.
        expect(await backend().download(scope.columns(scope.view(view, 0, 1), 0, width))).toEqual(row);
        scope.close();
        expect(backend().bytesInUse()).toBe(before);
        backend().free(stored);
      },
    );

    test.prop([rows, rows, cols, seeds, fc.nat()])(
      'writeRows changes its rows and no others',
      async (height, more, width, seed, some) => {
        const at = some % (more + 1);
        const before = normals(seed, (height + more) * width);
        const source = normals(seed + 1, height * width);
        const target = backend().store(before, height + more, width);
        const scope = backend().scope();
        const written = scope.upload(source, height, width);
        backend().writeRows(target, at, written);
        before.set(source, at * width);
        expect(await backend().download(target)).toEqual(before);
        expect(await backend().download(written)).toEqual(source);
        scope.close();
        backend().free(target);
      },
    );

    it('a result owes nothing to its inputs: later writes do not reach it', async () => {
      const stored = backend().store(normals(4, 12), 3, 4);
      const scope = backend().scope();
      const results = [scope.add(stored, stored), scope.columns(stored, 0, 4), scope.gelu(stored, 'erf')];
      const before = await Promise.all(results.map((result) => backend().download(result)));
      backend().writeRows(stored, 0, scope.upload(normals(5, 12), 3, 4));
      expect(await Promise.all(results.map((result) => backend().download(result)))).toEqual(before);
      scope.close();
      backend().free(stored);
    });
  });
}
