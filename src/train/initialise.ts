/** Where training begins: GPT-2's initialisation, for any width. */
import type { ModelConfig } from '../model/config.ts';
import { runThrough } from '../model/eventLoop.ts';
import { mhaTensorNames, mlpTensorNames } from '../model/tensorNames.ts';
import { walkOf } from '../model/walk.ts';
import { sizeOf } from '../model/weights.ts';
import type { Rng } from '../tensor/rng.ts';
import type { Parameter, Parameters } from '../autodiff/parameters.ts';

/** Numbers drawn in one go. */
const STRETCH = 2 ** 17;

/**
 * Gains 1, biases 0, matrices normal with standard deviation 0.02 √(768 / hiddenSize), GPT-2's 0.02
 * at its width; the projections that write to the residual stream divided by √(2 layers), one for
 * each block that adds to it (Radford et al. 2019, §2.3). Every tensor draws from a generator of
 * its own name, so that none depends on the others.
 * @param shapes by canonical name.
 */
export function initialParameters(
  config: ModelConfig,
  shapes: ReadonlyMap<string, readonly number[]>,
  rng: Rng,
): Parameters {
  return runThrough(initialSteps(config, shapes, rng));
}

/** The same, stopping after some hundred thousand numbers. */
export function* initialSteps(
  config: ModelConfig,
  shapes: ReadonlyMap<string, readonly number[]>,
  rng: Rng,
): Generator<void, Parameters> {
  const deviation = 0.02 * Math.sqrt(768 / config.hiddenSize);
  const walk = walkOf(config);
  const toStream = new Set(
    walk.map(({ kind, layer }) => {
      return kind === 'mha' ? mhaTensorNames(config, layer).output.weight : mlpTensorNames(config, layer).down.weight;
    }),
  );
  const parameters = new Map<string, Parameter>();
  for (const [name, shape] of shapes) {
    const length = sizeOf(shape);
    const data = new Float32Array(length);
    if (shape.length === 1) {
      data.fill(name.endsWith('.bias') ? 0 : 1);
    } else {
      const draw = rng.fork(name);
      const scale = toStream.has(name) ? deviation / Math.sqrt(walk.length) : deviation;
      for (let i = 0; i < length; i++) {
        data[i] = scale * draw.normal();
        if (i % STRETCH === STRETCH - 1) yield;
      }
    }
    parameters.set(name, { shape, data });
  }
  return parameters;
}
