/** RoPE settings of a GGUF file. */
import type { RopeConfig } from '../../model/config.ts';
import type { ArchMetadata } from './archMetadata.ts';
import type { GgufFile } from './parse.ts';

/** Tensors with which LongRoPE files scale; their choice depends on the context's length. */
const longRopeTensors = ['rope_factors_long.weight', 'rope_factors_short.weight'];

/**
 * Scaling as llama.cpp reads it: `rope.scaling.type` is linear where it is missing, the factor 1
 * (older files name it `rope.scale_linear`), and Llama 3's scaling comes as divisors in the tensor
 * `rope_freqs.weight`.
 * @param divisors the values of that tensor, or null.
 * @throws UnsupportedModelError for other scalings and for two at once, FormatError for impossible
 * divisors.
 */
export function ggufRope(
  file: GgufFile,
  read: ArchMetadata,
  divisors: Float32Array | null,
  headDim: number,
): RopeConfig {
  read.expect('rope.dimension_count', headDim);
  const theta = read.positive('rope.freq_base', 10_000);
  const type = read.text('rope.scaling.type') ?? 'linear';
  if (type !== 'none' && type !== 'linear') throw read.unsupported('rope.scaling.type', type);
  const factor = type === 'none' ? 1 : linearFactor(read);
  if (longRopeTensors.some((name) => file.tensors.has(name))) throw read.unsupported('rope.scaling', 'LongRoPE');
  if (divisors === null) {
    return { theta, scaling: factor === 1 ? { type: 'default' } : { type: 'linear', factor } };
  }
  if (factor !== 1) throw read.unsupported('rope.scaling.factor', `${factor} together with rope_freqs.weight`);
  if (divisors.length !== headDim / 2) {
    throw read.bad(`tensor 'rope_freqs.weight' has ${divisors.length} values, expected ${headDim / 2}.`);
  }
  const impossible = divisors.find((divisor) => !(divisor > 0 && divisor < Infinity));
  if (impossible !== undefined) throw read.bad(`tensor 'rope_freqs.weight' has the divisor ${impossible}.`);
  return { theta, scaling: { type: 'divisors', divisors: [...divisors] } };
}

/** A factor of 0 means none, as llama.cpp reads it. */
function linearFactor(read: ArchMetadata): number {
  const key = read.number('rope.scaling.factor') === null ? 'rope.scale_linear' : 'rope.scaling.factor';
  return read.number(key) === 0 ? 1 : read.positive(key, 1);
}
