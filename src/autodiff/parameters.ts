/**
 * A model's parameters on the host, where the optimizer changes them, under Hugging Face's
 * canonical names.
 */
import type { Floats } from '../backends/gradients.ts';
import { NotFoundError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import type { TensorInfo, WeightSource } from '../model/weights.ts';
import type { Hasher } from '../platform/sha256.ts';

export interface Parameter {
  /** Canonical: a projection is [out, in]. */
  readonly shape: readonly number[];
  /** Changed in place by the optimizer. */
  readonly data: Floats;
}

/** By canonical name; the order of the map is the order of every sum over parameters. */
export type Parameters = ReadonlyMap<string, Parameter>;

/** @throws NotFoundError for a name that is not there. */
export function parameterOf(parameters: Parameters, name: string): Parameter {
  const found = parameters.get(name);
  if (found === undefined) throw new NotFoundError(`there is no parameter '${name}'.`);
  return found;
}

/** Tensors of a model, all where none are named, read into memory as f32. */
export async function readParameters(
  source: WeightSource,
  names: Iterable<string> = source.tensors.keys(),
): Promise<Map<string, Parameter>> {
  const parameters = new Map<string, Parameter>();
  for (const name of names) {
    const data = await source.tensor(name);
    parameters.set(name, { shape: source.tensors.get(name)?.shape ?? [], data });
  }
  return parameters;
}

/**
 * Parameters as a source of weights, so that inference, perplexity and search run on them. What it
 * hands out is shared, not copied: a model made from it sees the state at the time when it packs.
 */
export function parameterSource(name: string, config: ModelConfig, parameters: Parameters): WeightSource {
  return {
    name,
    config,
    tensors: new Map(
      [...parameters].map(([key, { shape, data }]): [string, TensorInfo] => {
        return [key, { shape, dtype: 'F32', bytes: data.length * 4 }];
      }),
    ),
    tensor: (key) => Promise.resolve(asF32(parameterOf(parameters, key).data)),
    rows(key, from, to) {
      const { shape, data } = parameterOf(parameters, key);
      return Promise.resolve(asF32(data.subarray(from * shape[1], to * shape[1])));
    },
    contentHash: (hasher) => Promise.resolve(hashParameters(parameters, hasher)),
    assertUnchanged: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** A hash over names, shapes and values, as hex. */
export function hashParameters(parameters: Parameters, hasher: Hasher): string {
  const text = new TextEncoder();
  for (const [name, { shape, data }] of [...parameters].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hasher.update(text.encode(`${name} ${shape.join('x')}\n`));
    hasher.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hasher.digest();
}

function asF32(data: Floats): Float32Array {
  return data instanceof Float32Array ? data : new Float32Array(data);
}
