/** Fitted tensors are read back as they were written, or not at all. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect, it } from 'vitest';
import { AccessError, BlockprunerError, FormatError, NotFoundError, ShapeError } from '../../src/errors.ts';
import { parseSafetensors } from '../../src/formats/safetensors/parse.ts';
import { edited } from '../../src/model/edit.ts';
import { memoryFiles, type Files } from '../../src/platform/files.ts';
import { memoryBytes } from '../../src/platform/memoryBytes.ts';
import { folderFiles } from '../../src/platform/nodeFiles.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { storedEdits, tensorFile, tensorStore, type StoredTensor } from '../../src/repair/store.ts';
import { openModel } from '../../src/formats/openModel.ts';

const root = mkdtempSync(join(tmpdir(), 'blockpruner-store-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;

/** A new folder. */
function place(): string {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  return folder;
}

const NAME = 'model.layers.0.mlp.down_proj.weight';
const kinds: { kind: string; files: () => Files }[] = [
  { kind: 'a folder', files: () => folderFiles(place()) },
  { kind: 'memory', files: () => memoryFiles('memory') },
];

/** Any bits that a float can have, NaN of every kind and -0 among them. */
const anyTensor = fc
  .tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 }))
  .chain(([rows, cols]) =>
    fc.record({
      shape: fc.constant([rows, cols]),
      bits: fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: rows * cols, maxLength: rows * cols }),
    }),
  )
  .map(({ shape, bits }) => ({ shape, values: new Float32Array(Uint32Array.from(bits).buffer) }));

const bitsOf = (values: Float32Array): number[] => [
  ...new Uint32Array(values.buffer, values.byteOffset, values.length),
];

describe.each(kinds)('a store in $kind', ({ files }) => {
  test.prop([fc.array(anyTensor, { maxLength: 4 })], { numRuns: 25 })(
    'gives every tensor back to the bit, also to a later run',
    async (tensors) => {
      const own = files();
      const store = tensorStore(own, nodeHasher);
      const kept: [StoredTensor, Float32Array][] = [];
      for (const { shape, values } of tensors) {
        kept.push([await store.write(`tensor of ${shape.join()}`, shape, values), values.slice()]);
      }
      for (const { values } of tensors) values.fill(1);
      for (const reader of [store, tensorStore(own, nodeHasher)]) {
        for (const [tensor, values] of kept) expect(bitsOf(await reader.read(tensor))).toEqual(bitsOf(values));
      }
    },
  );

  it('keeps the same values once, and other values of a tensor beside them', async () => {
    const store = tensorStore(files(), nodeHasher);
    const one = await store.write(NAME, [2], Float32Array.of(1, 2));
    const same = await store.write(NAME, [2], Float32Array.of(1, 2));
    const other = await store.write(NAME, [2], Float32Array.of(1, 3));
    expect(same).toEqual(one);
    expect(other.file).not.toBe(one.file);
    expect([...(await store.read(one))]).toEqual([1, 2]);
    expect([...(await store.read(other))]).toEqual([1, 3]);
  });

  it('refuses values that do not fit their shape, and writes nothing of them', async () => {
    const store = tensorStore(files(), nodeHasher);
    await expect(store.write(NAME, [2, 2], Float32Array.of(1, 2, 3))).rejects.toThrow(ShapeError);
  });

  it('says what is not there', async () => {
    const store = tensorStore(files(), nodeHasher);
    const tensor: StoredTensor = { name: NAME, shape: [1], sha256: 'a'.repeat(64), file: 'repair/none.safetensors' };
    const failed = store.read(tensor);
    await expect(failed).rejects.toThrow(NotFoundError);
    await expect(failed).rejects.toThrow(/none\.safetensors: holds fitted values of .*down_proj.* and is not there/);
  });
});

describe('a store in a folder', () => {
  const values = Float32Array.from({ length: 12 }, (_, index) => index / 7);

  it('writes plain safetensors, which any program reads', async () => {
    const folder = place();
    const { file, sha256 } = await tensorStore(folderFiles(folder), nodeHasher).write(NAME, [3, 4], values);
    expect(file).toBe(tensorFile(NAME, sha256));
    expect(readdirSync(folder, { recursive: true }).toSorted()).toEqual(['repair', file]);
    const bytes = readFileSync(join(folder, file));
    const { tensors } = await parseSafetensors(memoryBytes('file', bytes));
    expect([...tensors.keys()]).toEqual([NAME]);
    const found = tensors.get(NAME);
    expect(found).toMatchObject({ dtype: 'F32', shape: [3, 4], bytes: 48 });
    const stored = bytes.subarray(found?.offset);
    expect([...new Float32Array(stored.buffer.slice(stored.byteOffset, stored.byteOffset + 48))]).toEqual([...values]);
  });

  test.prop([fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean()], { numRuns: 60 })(
    'never takes a damaged file for a fit: any byte changed, or any end cut off',
    async (at, change, cut) => {
      const folder = place();
      const store = tensorStore(folderFiles(folder), nodeHasher);
      const tensor = await store.write(NAME, [3, 4], values);
      const path = join(folder, tensor.file);
      const bytes = readFileSync(path);
      if (cut) truncateSync(path, at % bytes.length);
      else writeFileSync(path, bytes.with(at % bytes.length, bytes[at % bytes.length] ^ change));
      const read = await store.read(tensor).catch((error: unknown) => error);
      // Spaces after the header and the metadata are not values.
      if (read instanceof Float32Array) expect(bitsOf(read)).toEqual(bitsOf(values));
      else expect(read).toBeInstanceOf(FormatError);
      if (cut) expect(read).toBeInstanceOf(FormatError);
    },
  );

  it('tells a whole file of another tensor, shape or type from its own', async () => {
    const folder = place();
    const store = tensorStore(folderFiles(folder), nodeHasher);
    const tensor = await store.write(NAME, [3, 4], values);
    const others: StoredTensor[] = [
      { ...tensor, name: 'model.norm.weight' },
      { ...tensor, shape: [4, 3] },
      { ...tensor, sha256: 'f'.repeat(64) },
    ];
    for (const other of others) await expect(store.read(other)).rejects.toThrow(FormatError);
    await expect(store.read(others[2])).rejects.toThrow(/other values of .* than those that were fitted/);
  });

  it('says by what a file cannot be read or written', async () => {
    const folder = place();
    writeFileSync(join(folder, 'repair'), 'in the way');
    const store = tensorStore(folderFiles(folder), nodeHasher);
    await expect(store.write(NAME, [3, 4], values)).rejects.toThrow(AccessError);
    const tensor: StoredTensor = { name: NAME, shape: [1], sha256: 'a'.repeat(64), file: 'repair/x.safetensors' };
    await expect(store.read(tensor)).rejects.toThrow(BlockprunerError);
  });
});

describe('stored edits', () => {
  it('are read when a tensor is asked for, and not before', async () => {
    const { weights, close } = await openModel('tiny-models/planted');
    try {
      const name = 'model.layers.1.mlp.down_proj.weight';
      const { shape = [] } = weights.tensors.get(name) ?? {};
      const values = (await weights.tensor(name)).map((value) => 2 * value);
      const folder = place();
      const store = tensorStore(folderFiles(folder), nodeHasher);
      const tensor = await store.write(name, shape, values);
      const repaired = edited(weights, storedEdits([tensor], store));
      expect(bitsOf(await repaired.tensor(name))).toEqual(bitsOf(values));
      rmSync(join(folder, tensor.file));
      await expect(repaired.tensor(name)).rejects.toThrow(NotFoundError);
      await expect(repaired.tensor('model.norm.weight')).resolves.toBeInstanceOf(Float32Array);
    } finally {
      await close();
    }
  });
});
