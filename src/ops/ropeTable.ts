/**
 * The angles of rotary position embedding: how far each pair of a head is turned at each position.
 *
 * Shapes: frequencies [D/2]; cos, sin [positions, D/2].
 *
 * Formula: θ_i = base^(−2i/D), angle(p, i) = p · θ_i. `linear` scaling divides every θ_i by a
 * factor (positions are squeezed); `llama3` divides only the slow ones, whose wavelength 2π/θ is
 * long against the original context, and blends in between; `divisors` divides each θ_i by a number
 * of its own, as GGUF stores llama3 scaling.
 *
 * Numerics: f64 throughout, rounded to f32 once, at the end.
 *
 * Source: Su et al. 2021, RoFormer, §3.2; Chen et al. 2023 (linear); Llama 3.1's `rope_scaling` in
 * Hugging Face's config (llama3).
 */

/** Rotary position embedding settings, with scaling as in Hugging Face's `rope_parameters`. */
export interface RopeConfig {
  /** Base of the frequencies, `rope_theta`. */
  theta: number;
  scaling:
    | { type: 'default' }
    | { type: 'linear'; factor: number }
    | {
        type: 'llama3';
        factor: number;
        lowFreqFactor: number;
        highFreqFactor: number;
        originalMaxPositionEmbeddings: number;
      }
    /** Per-frequency divisors [D/2], as GGUF's `rope_freqs.weight` stores llama3 scaling. */
    | { type: 'divisors'; divisors: readonly number[] };
}

/** θ_i for i < D/2, scaling applied. */
export function ropeFrequencies(rope: RopeConfig, headDim: number): Float64Array {
  const half = headDim / 2;
  const frequencies = new Float64Array(half);
  for (let i = 0; i < half; i++) frequencies[i] = scaled(rope, rope.theta ** (-i / half), i);
  return frequencies;
}

function scaled(rope: RopeConfig, frequency: number, index: number): number {
  const { scaling } = rope;
  switch (scaling.type) {
    case 'default':
      return frequency;
    case 'linear':
      return frequency / scaling.factor;
    case 'divisors':
      return frequency / scaling.divisors[index];
    case 'llama3': {
      const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
      // How many turns this pair makes within the context the model was first trained on.
      const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
      if (turns > highFreqFactor) return frequency;
      if (turns < lowFreqFactor) return frequency / factor;
      const share = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
      return (1 - share) * (frequency / factor) + share * frequency;
    }
    default:
      return scaling satisfies never;
  }
}

/** cos and sin of every angle for positions 0 … positions − 1. */
export function ropeTable(
  rope: RopeConfig,
  headDim: number,
  positions: number,
): { cos: Float32Array; sin: Float32Array } {
  const frequencies = ropeFrequencies(rope, headDim);
  const half = frequencies.length;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * frequencies[i];
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
