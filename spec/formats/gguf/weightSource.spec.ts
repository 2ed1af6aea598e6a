/** A GGUF file as a WeightSource: what holds for every tensor of every architecture. */
import { createHash } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { NotFoundError, ShapeError } from '../../../src/errors.ts';
import { openGgufWeights } from '../../../src/formats/gguf/weightSource.ts';
import { serializeGguf } from '../../../src/formats/gguf/write.ts';
import type { WeightSource } from '../../../src/model/weights.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { tinyModel, type TinyArch } from './fixtures.ts';

const archs: readonly TinyArch[] = ['llama', 'qwen2', 'qwen3', 'gpt2'];
const open = async (model: ReturnType<typeof tinyModel>): Promise<WeightSource> =>
  (await openGgufWeights(memoryBytes('x.gguf', serializeGguf(model)))).weights;

describe.each(archs)('%s', (arch) => {
  test.prop([fc.nat(1000), fc.nat(1000), fc.nat(1000)])('rows are those of the whole tensor', async (which, a, b) => {
    const weights = await open(tinyModel(arch));
    const matrices = [...weights.tensors].filter(([, { shape }]) => shape.length === 2);
    const [name, { shape }] = matrices[which % matrices.length];
    const [rows, width] = shape;
    const [from, to] = [a % (rows + 1), b % (rows + 1)].toSorted((x, y) => x - y);
    const whole = await weights.tensor(name);
    expect(whole).toHaveLength(rows * width);
    expect(await weights.rows(name, from, to)).toEqual(whole.slice(from * width, to * width));
  });

  it('every tensor is as long as its shape says, and stored as many bytes', async () => {
    const weights = await open(tinyModel(arch));
    expect(weights.tensors.size).toBeGreaterThan(20);
    for (const [name, { shape, dtype, bytes }] of weights.tensors) {
      const count = shape.reduce((product, size) => product * size, 1);
      expect(await weights.tensor(name)).toHaveLength(count);
      expect([dtype, bytes]).toEqual(['F32', 4 * count]);
    }
  });

  it('the hash knows every tensor, and not their order in the file', async () => {
    const hash = async (model: ReturnType<typeof tinyModel>): Promise<string> => {
      const sha = createHash('sha256');
      return (await open(model)).contentHash({
        update: (bytes) => void sha.update(bytes),
        digest: () => sha.digest('hex'),
      });
    };
    const plain = await hash(tinyModel(arch));
    const turned = tinyModel(arch);
    turned.tensors = new Map([...turned.tensors].toReversed());
    expect(await hash(turned)).toBe(plain);
    const hashes = new Set([plain]);
    for (const name of tinyModel(arch).tensors.keys()) {
      const changed = tinyModel(arch);
      const bytes = changed.tensors.get(name)?.bytes;
      if (bytes !== undefined) bytes[bytes.length - 1] ^= 1;
      hashes.add(await hash(changed));
    }
    expect(hashes.size).toBe(tinyModel(arch).tensors.size + 1);
  });
});

describe('what is not there', () => {
  it.each([
    ['model.norm.bias', /^x\.gguf: the model has no tensor 'model\.norm\.bias'\.$/],
    ['two\nlines', /^x\.gguf: the model has no tensor [^\n]*two[^\n]*lines[^\n]*\.$/],
  ])('tensor %j', async (name, line) => {
    const weights = await open(tinyModel('llama'));
    expect(() => weights.tensor(name)).toThrow(NotFoundError);
    expect(() => weights.tensor(name)).toThrow(line);
    await expect(weights.rows(name, 0, 1)).rejects.toThrow(line);
  });

  it.each([
    [-1, 1],
    [0, 12],
    [2, 1],
    [0.5, 1],
    [0, NaN],
  ])('rows %d … %d of a matrix of 11', async (from, to) => {
    const weights = await open(tinyModel('llama'));
    const name = 'model.embed_tokens.weight';
    const error: unknown = await weights.rows(name, from, to).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ShapeError);
    expect((error as Error).message).toMatch(new RegExp(`^x\\.gguf: ${name}: .*rows ${from} … ${to}.*\\[11, 8\\]`));
  });

  it('rows of a vector', async () => {
    const weights = await open(tinyModel('llama'));
    await expect(weights.rows('model.norm.weight', 0, 1)).rejects.toThrow(/rows 0 … 1.*\[8\]/);
  });
});
