/**
 * AdamW: moving averages m of the gradient and v of its square, corrected for having begun at zero;
 * each parameter moves by lr · m̂ / (√v̂ + ε), and decays towards zero apart from that (Kingma & Ba
 * 2015; Loshchilov & Hutter 2019, alg. 2).
 *
 * Bits: +, −, ×, ÷ and the square root are correctly rounded on every machine, and nothing else is
 * used: βᵗ is a running product, no Math.pow. Arithmetic is f64; parameters and averages are stored
 * as f32.
 */
import { parameterOf, type Parameters } from '../autodiff/parameters.ts';

export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Applied to matrices; norms and biases do not decay. */
  readonly weightDecay: number;
}

export const defaultAdamW: AdamWSettings = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };

export interface Moments {
  readonly first: Float32Array;
  readonly second: Float32Array;
}

export class AdamW {
  readonly settings: AdamWSettings;
  /** By parameter name; made at the parameter's first gradient. */
  readonly moments: Map<string, Moments>;
  #steps = 0;
  #power1 = 1;
  #power2 = 1;

  /** @param steps how many were taken to get to `moments`. */
  constructor(settings: AdamWSettings, moments: Map<string, Moments> = new Map(), steps = 0) {
    this.settings = settings;
    this.moments = moments;
    while (this.#steps < steps) this.#count();
  }

  get steps(): number {
    return this.#steps;
  }

  /** One step: changes the parameters that have a gradient, in place. */
  step(parameters: Parameters, gradients: ReadonlyMap<string, Float32Array>, lr: number): void {
    this.#count();
    const { weightDecay } = this.settings;
    for (const [name, gradient] of gradients) {
      const { data, shape } = parameterOf(parameters, name);
      let moments = this.moments.get(name);
      if (moments === undefined) {
        moments = { first: new Float32Array(data.length), second: new Float32Array(data.length) };
        this.moments.set(name, moments);
      }
      this.#update(data as Float32Array, gradient, moments, lr, shape.length > 1 ? weightDecay : 0);
    }
  }

  #update(data: Float32Array, gradient: Float32Array, { first, second }: Moments, lr: number, decay: number): void {
    const { beta1, beta2, eps } = this.settings;
    const rate = lr / (1 - this.#power1);
    const correction = 1 / (1 - this.#power2);
    const kept = 1 - lr * decay;
    for (let i = 0; i < data.length; i++) {
      const slope = gradient[i];
      const m = beta1 * first[i] + (1 - beta1) * slope;
      const v = beta2 * second[i] + (1 - beta2) * slope * slope;
      first[i] = m;
      second[i] = v;
      data[i] = kept * data[i] - (rate * m) / (Math.sqrt(v * correction) + eps);
    }
  }

  #count(): void {
    this.#steps++;
    this.#power1 *= this.settings.beta1;
    this.#power2 *= this.settings.beta2;
  }
}
