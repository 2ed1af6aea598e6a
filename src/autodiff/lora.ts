/**
 * Low-rank adapters: a frozen projection W gets a trained correction of rank r, y = x Wᵀ + (alpha /
 * r) (x Aᵀ) Bᵀ, with A [r, in] and B [out, r]. B begins at zero, so that training begins at the
 * model as it is; merged, W + (alpha / r) B A costs nothing at inference (Hu et al. 2021, LoRA,
 * §4.1).
 */
import type { DeviceTensor, LinearWeight } from '../backends/backend.ts';
import { ShapeError } from '../errors.ts';
import type { Rng } from '../tensor/rng.ts';
import { parameterOf, type Parameter, type Parameters } from './parameters.ts';
import type { ComposedLinear, Tape } from './tape.ts';

export interface LoraSettings {
  /** r */
  readonly rank: number;
  readonly alpha: number;
}

/** The names of a projection's adapter, PEFT's. */
export function adapterNames(weightName: string): { a: string; b: string } {
  const stem = weightName.replace(/\.weight$/, '');
  return { a: `${stem}.lora_A.weight`, b: `${stem}.lora_B.weight` };
}

/**
 * Parameters and an adapter for each named weight: A uniform in ±1/√in, as PEFT draws it, B zero.
 * @throws ShapeError for a rank that is not a whole number ≥ 1; NotFoundError for a weight that is
 * not there.
 */
export function withAdapters(
  parameters: Parameters,
  weightNames: readonly string[],
  { rank }: LoraSettings,
  rng: Rng,
): Parameters {
  if (!(Number.isInteger(rank) && rank >= 1)) throw new ShapeError(`an adapter of rank ${rank} cannot be made.`);
  const all = new Map(parameters);
  for (const weightName of weightNames) {
    const [out, inn] = parameterOf(parameters, weightName).shape;
    const names = adapterNames(weightName);
    const draw = rng.fork(names.a);
    const bound = 1 / Math.sqrt(inn);
    const a = Float32Array.from({ length: rank * inn }, () => bound * (2 * draw.uniform() - 1));
    all.set(names.a, { shape: [rank, inn], data: a });
    all.set(names.b, { shape: [out, rank], data: new Float32Array(out * rank) });
  }
  return all;
}

/**
 * The parameters without adapters: each weight that has one becomes W + (alpha / r) B A, in f64
 * with one rounding.
 */
export function mergeAdapters(parameters: Parameters, { rank, alpha }: LoraSettings): Parameters {
  const merged = new Map<string, Parameter>();
  for (const [name, parameter] of parameters) {
    if (/\.lora_[AB]\.weight$/.test(name)) continue;
    const { a, b } = adapterNames(name);
    const [down, up] = [parameters.get(a), parameters.get(b)];
    if (down === undefined || up === undefined) {
      merged.set(name, parameter);
      continue;
    }
    const [out, inn] = parameter.shape;
    const data = parameter.data.slice();
    const correction = new Float64Array(inn);
    for (let row = 0; row < out; row++) {
      correction.fill(0);
      for (let r = 0; r < rank; r++) {
        const factor = (alpha / rank) * up.data[row * rank + r];
        for (let i = 0; i < inn; i++) correction[i] += factor * down.data[r * inn + i];
      }
      for (let i = 0; i < inn; i++) data[row * inn + i] += correction[i];
    }
    merged.set(name, { shape: parameter.shape, data });
  }
  return merged;
}

/** A projection with an adapter on a tape. */
export class AdaptedLinear implements ComposedLinear {
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly #base: LinearWeight;
  readonly #a: LinearWeight;
  readonly #b: LinearWeight;
  readonly #factor: number;

  constructor(base: LinearWeight, a: LinearWeight, b: LinearWeight, { rank, alpha }: LoraSettings) {
    this.outFeatures = base.outFeatures;
    this.inFeatures = base.inFeatures;
    this.#base = base;
    this.#a = a;
    this.#b = b;
    this.#factor = alpha / rank;
  }

  get bytes(): number {
    return this.#base.bytes + this.#a.bytes + this.#b.bytes;
  }

  apply(tape: Tape, x: DeviceTensor): DeviceTensor {
    // Scaled where it is smallest, [R, r].
    const low = tape.scale(tape.linear(x, this.#a), this.#factor);
    return tape.add(tape.linear(x, this.#base), tape.linear(low, this.#b));
  }
}
