/** What a checkpoint keeps, and what a file must hold to be one. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError, JournalMismatchError } from '../../src/errors.ts';
import { parseSafetensors } from '../../src/formats/safetensors/parse.ts';
import { decodeFloats } from '../../src/formats/safetensors/dtypes.ts';
import { serializeSafetensors, type TensorToWrite } from '../../src/formats/safetensors/write.ts';
import { memoryBytes } from '../../src/platform/memoryBytes.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { AdamW, defaultAdamW } from '../../src/train/adamW.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/train/checkpoint.ts';
import { parameterOf } from '../../src/autodiff/parameters.ts';
import type { Trainee } from '../../src/autodiff/trainee.ts';
import { drawArray, seeds } from '../arbitraries.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { tinyTrainee } from '../autodiff/tinyTrainee.ts';

const settings = { ...defaultAdamW, weightDecay: 0.1 };

/**
 * A trainee of which only `trained` is, with an optimizer that has averages of all but the last of
 * them.
 */
function stopped(seed: number, trained: readonly string[], steps: number): { trainee: Trainee; optimizer: AdamW } {
  const trainee = { ...tinyTrainee({ seed, layers: 1 }), trained: new Set(trained) };
  const rng = seededRng(seed);
  const moments = new Map(
    trained.slice(0, -1).map((name) => {
      const { length } = parameterOf(trainee.parameters, name).data;
      return [name, { first: drawArray(rng, length), second: drawArray(rng, length).map(Math.abs) }];
    }),
  );
  return { trainee, optimizer: new AdamW(settings, moments, steps) };
}

const names = [...tinyTrainee({ layers: 1 }).parameters.keys()];
const someNames = fc.subarray(names, { minLength: 1 });
const decode = (bytes: Uint8Array, trainee: Trainee, identity = 'run'): Promise<AdamW> =>
  decodeCheckpoint(bytes, 'c.safetensors', trainee, settings, identity);

describe('a checkpoint', () => {
  test.prop([seeds, someNames, fc.nat(1e6)], { numRuns: 25 })(
    'gives back parameters, averages and steps to the bit, and touches nothing else',
    async (seed, trained, steps) => {
      const { trainee, optimizer } = stopped(seed, trained, steps);
      const bytes = encodeCheckpoint(trainee, optimizer, 'run', nodeHasher);
      const other = { ...tinyTrainee({ seed: seed + 1, layers: 1 }), trained: new Set(trained) };
      const before = new Map([...other.parameters].map(([name, { data }]) => [name, data.slice()]));
      const resumed = await decode(bytes, other);
      expect(resumed.steps).toBe(steps);
      expect(resumed.moments).toEqual(optimizer.moments);
      for (const [name, { data }] of other.parameters) {
        const from = trained.includes(name) ? parameterOf(trainee.parameters, name).data : before.get(name);
        expect(data).toEqual(from);
      }
    },
  );

  test.prop([seeds], { numRuns: 5 })('writes the same bytes for the same state', (seed) => {
    const one = stopped(seed, names, 3);
    const two = stopped(seed, names, 3);
    expect(encodeCheckpoint(one.trainee, one.optimizer, 'run', nodeHasher)).toEqual(
      encodeCheckpoint(two.trainee, two.optimizer, 'run', nodeHasher),
    );
  });
});

describe('a file that is none of this run', () => {
  const { trainee, optimizer } = stopped(1, names, 7);
  const whole = encodeCheckpoint(trainee, optimizer, 'run', nodeHasher);

  /** The checkpoint with tensors and metadata changed. */
  async function changed(
    change: (tensors: Map<string, TensorToWrite>, metadata: Map<string, string>) => void,
  ): Promise<Uint8Array> {
    const file = await parseSafetensors(memoryBytes('whole', whole));
    const tensors = new Map<string, TensorToWrite>();
    for (const [name, { shape, offset, bytes }] of file.tensors) {
      const data = decodeFloats('F32', (await file.source.read(offset, bytes)).slice(), 'whole');
      tensors.set(name, { shape: [...shape], dtype: 'F32', data });
    }
    const metadata = new Map(file.metadata);
    change(tensors, metadata);
    return serializeSafetensors(tensors, metadata);
  }

  it.each<[string, Parameters<typeof changed>[0], RegExp]>([
    [
      'lacks a parameter',
      (tensors) => tensors.delete('parameter/model.norm.weight'),
      /^c\.safetensors: tensor 'parameter\/model\.norm\.weight' is missing\.$/,
    ],
    [
      'has one of another size',
      (tensors) => tensors.set('parameter/model.norm.weight', { shape: [1], dtype: 'F32', data: Float32Array.of(1) }),
      /^c\.safetensors: tensor 'parameter\/model\.norm\.weight' does not fit the model\.$/,
    ],
    [
      'has averages of another type',
      (tensors) => {
        const first = tensors.get('first/model.norm.weight');
        if (first !== undefined) tensors.set('first/model.norm.weight', { ...first, dtype: 'F16' });
      },
      /^c\.safetensors: tensor 'first\/model\.norm\.weight' does not fit the model\.$/,
    ],
    ['says no steps', (_, metadata) => metadata.delete('steps'), /^c\.safetensors: has no number of steps\.$/],
    ['says half a step', (_, metadata) => metadata.set('steps', '1.5'), /has no number of steps\.$/],
    ['says steps below 0', (_, metadata) => metadata.set('steps', '-1'), /has no number of steps\.$/],
  ])('%s', async (_, change, line) => {
    const bytes = await changed(change);
    await expect(decode(bytes, tinyTrainee({ layers: 1 }))).rejects.toThrow(FormatError);
    await expect(decode(bytes, tinyTrainee({ layers: 1 }))).rejects.toThrow(line);
  });

  it('begins the averages anew where one of the two is missing', async () => {
    const bytes = await changed((tensors) => tensors.delete('second/model.norm.weight'));
    const resumed = await decode(bytes, tinyTrainee({ layers: 1 }));
    expect(resumed.moments.has('model.norm.weight')).toBe(false);
    expect(resumed.moments.size).toBe(optimizer.moments.size - 1);
  });

  it('of another recipe is kept, and the run refused', async () => {
    await expect(decode(whole, tinyTrainee({ layers: 1 }), 'another')).rejects.toThrow(
      new JournalMismatchError('belongs to a run with another recipe, other data or other kernels.', {
        where: 'c.safetensors',
        remedy: 'Use another --out; that run is kept.',
      }),
    );
  });
});
