/**
 * Reverse-mode differentiation over a backend's ops (Rumelhart, Hinton & Williams 1986; Griewank &
 * Walther 2008, ch. 3).
 *
 * A Tape implements Ops. Whatever is composed of Ops, applyBlock above all, runs on a tape as it
 * stands: each op runs forward at once, and notes how the derivative of the loss passes through it.
 * `gradients` plays the notes in reverse. So the model's formula stands in one place, for inference
 * and for training.
 *
 * Derivatives are computed for what depends on a trained parameter or a marked input, and for
 * nothing else.
 */
import type {
  AttentionSpec,
  DeviceTensor,
  GeluKind,
  LinearWeight,
  Ops,
  RopeSpec,
  RopeTable,
} from '../backends/backend.ts';
import type { Floats, GradientScope } from '../backends/gradients.ts';
import { ShapeError } from '../errors.ts';
import { TapeLinear, type TapeParameter } from './tapeLinear.ts';

/** A projection that is composed of ops, such as one with an adapter. */
export interface ComposedLinear extends LinearWeight {
  apply(tape: Tape, x: DeviceTensor): DeviceTensor;
}

/** dL/dW of a trained parameter W: [outFeatures, inFeatures], [1, n] or [V, C]. */
export interface TapeGradient {
  readonly name: string;
  /** Belongs to the tape's scope. To free it sooner, keep it and free it. */
  readonly gradient: DeviceTensor;
}

interface Step {
  result: DeviceTensor;
  /** Passes dy, the derivative with respect to the result, on to the inputs. */
  backward: (dy: DeviceTensor) => void;
  /** Names of the parameters whose gradients it adds to. */
  parameters: readonly string[];
}

export class Tape implements Ops {
  readonly #scope: GradientScope;
  readonly #steps: Step[] = [];
  /** Arrays that depend on a trained parameter or a marked input. */
  readonly #tracked = new Set<DeviceTensor>();
  /** dL/dx for each array x, accumulated so far. */
  readonly #derivatives = new Map<DeviceTensor, DeviceTensor>();
  /** Gradients that steps to come still add to. */
  readonly #gradients = new Map<string, DeviceTensor>();
  /** How many steps add to a parameter's gradient and were not played yet. */
  readonly #uses = new Map<string, number>();

  /** @param scope where everything is made; the caller closes it. */
  constructor(scope: GradientScope) {
    this.#scope = scope;
  }

  /** A parameter as an array [rows, cols]. */
  parameter(parameter: TapeParameter, rows: number, cols: number): DeviceTensor {
    const { name, data, trained } = parameter;
    const x = this.#scope.upload(data, rows, cols);
    if (trained) {
      // Noted before its first use, so played after its last.
      this.#push(x, (dy) => this.#addGradient(name, dy), [name]);
    }
    return x;
  }

  /** A projection W [outFeatures, inFeatures], packed. */
  projection(
    weight: TapeParameter,
    outFeatures: number,
    inFeatures: number,
    bias: TapeParameter | null = null,
  ): TapeLinear {
    const packed = this.#scope.pack(weight.data, outFeatures, inFeatures, bias?.data ?? null, false);
    return new TapeLinear(packed, weight, bias);
  }

  /**
   * The loss, and the end of the forward pass: `weight` · Σ_rows −log softmax(logits)[target].
   * Returns each row's negative log-likelihood, [R, 1]; rows with target −1 count nothing.
   */
  crossEntropy(logits: DeviceTensor, targets: Int32Array, weight: number): DeviceTensor {
    const { nll, dLogits } = this.#scope.crossEntropy(logits, targets, weight);
    this.#give(logits, dLogits);
    return nll;
  }

  /** Marks an array that was made elsewhere as one whose derivative is wanted. Returns it. */
  input(x: DeviceTensor): DeviceTensor {
    this.#tracked.add(x);
    return x;
  }

  /** Begins the way back at `y` with dL/dy, for a loss that was computed elsewhere. */
  seed(y: DeviceTensor, dy: DeviceTensor): void {
    this.#give(y, dy);
  }

  /**
   * dL/dx of a marked input, after the tape was played.
   * @throws ShapeError where x was not marked, or the loss does not depend on it.
   */
  derivative(x: DeviceTensor): DeviceTensor {
    const found = this.#derivatives.get(x);
    if (found === undefined) throw new ShapeError('this array has no derivative.', { where: 'tape derivative' });
    return found;
  }

  /**
   * Plays the tape in reverse. After each step comes the gradient of every trained parameter that
   * no step to come adds to, or null where there is no such parameter: a place to give the event
   * loop a turn. A parameter that the loss does not depend on has no gradient. A tape is played
   * once.
   */
  *gradients(): Generator<TapeGradient | null, void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const dy = this.#derivatives.get(step.result);
      this.#derivatives.delete(step.result);
      if (dy !== undefined) step.backward(dy);
      yield null;
      for (const name of step.parameters) yield* this.#finish(name);
    }
  }

  upload(data: Floats, rows: number, cols: number): DeviceTensor {
    return this.#scope.upload(data, rows, cols);
  }

  gatherRows(table: DeviceTensor, ids: Int32Array): DeviceTensor {
    return this.#note([table], this.#scope.gatherRows(table, ids), (dy) => {
      this.#give(table, this.#scope.scatterRows(dy, ids, table.rows));
    });
  }

  linear(x: DeviceTensor, weight: LinearWeight): DeviceTensor {
    if (isComposed(weight)) return weight.apply(this, x);
    if (!(weight instanceof TapeLinear)) {
      throw new ShapeError('the weight was not made by `projection`.', { where: 'tape linear' });
    }
    const y = this.#scope.linear(x, weight.forward);
    const backward = (dy: DeviceTensor): void => {
      const { weight: w, bias } = weight;
      if (w.trained) this.#addGradient(w.name, this.#scope.linearBackwardWeight(dy, x));
      if (bias?.trained === true) this.#addGradient(bias.name, this.#scope.columnSums(dy));
      if (!this.#tracked.has(x)) return;
      weight.transposed ??= this.#scope.pack(w.data, weight.outFeatures, weight.inFeatures, null, true);
      this.#give(x, this.#scope.linear(dy, weight.transposed));
    };
    const parameters = [weight.weight, weight.bias].flatMap((used) => (used?.trained === true ? [used.name] : []));
    return this.#note([x], y, backward, parameters);
  }

  rmsNorm(x: DeviceTensor, weight: DeviceTensor, eps: number): DeviceTensor {
    return this.#note([x, weight], this.#scope.rmsNorm(x, weight, eps), (dy) => {
      const { dx, dWeight } = this.#scope.rmsNormBackward(dy, x, weight, eps);
      this.#give(x, dx);
      this.#give(weight, dWeight);
    });
  }

  layerNorm(x: DeviceTensor, weight: DeviceTensor, bias: DeviceTensor, eps: number): DeviceTensor {
    return this.#note([x, weight, bias], this.#scope.layerNorm(x, weight, bias, eps), (dy) => {
      const { dx, dWeight, dBias } = this.#scope.layerNormBackward(dy, x, weight, eps);
      this.#give(x, dx);
      this.#give(weight, dWeight);
      this.#give(bias, dBias);
    });
  }

  rope(x: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor {
    return this.#note([x], this.#scope.rope(x, table, spec), (dy) => {
      this.#give(x, this.#scope.ropeBackward(dy, table, spec));
    });
  }

  attention(q: DeviceTensor, k: DeviceTensor, v: DeviceTensor, spec: AttentionSpec): DeviceTensor {
    return this.#note([q, k, v], this.#scope.attention(q, k, v, spec), (dy) => {
      const { dq, dk, dv } = this.#scope.attentionBackward(dy, q, k, v, spec);
      this.#give(q, dq);
      this.#give(k, dk);
      this.#give(v, dv);
    });
  }

  swiglu(gate: DeviceTensor, up: DeviceTensor): DeviceTensor {
    return this.#note([gate, up], this.#scope.swiglu(gate, up), (dy) => {
      const { dGate, dUp } = this.#scope.swigluBackward(dy, gate, up);
      this.#give(gate, dGate);
      this.#give(up, dUp);
    });
  }

  gelu(x: DeviceTensor, kind: GeluKind): DeviceTensor {
    return this.#note([x], this.#scope.gelu(x, kind), (dy) => this.#give(x, this.#scope.geluBackward(dy, x, kind)));
  }

  add(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    return this.#note([x, y], this.#scope.add(x, y), (dy) => {
      this.#give(x, dy);
      this.#give(y, dy);
    });
  }

  scale(x: DeviceTensor, factor: number): DeviceTensor {
    return this.#note([x], this.#scope.scale(x, factor), (dy) => this.#give(x, this.#scope.scale(dy, factor)));
  }

  columns(x: DeviceTensor, from: number, to: number): DeviceTensor {
    return this.#note([x], this.#scope.columns(x, from, to), (dy) => {
      this.#give(x, this.#scope.placeColumns(dy, from, x.cols));
    });
  }

  stack(parts: readonly DeviceTensor[]): DeviceTensor {
    return this.#note(parts, this.#scope.stack(parts), (dy) => {
      let from = 0;
      for (const part of parts) {
        this.#give(part, this.#scope.view(dy, from, from + part.rows));
        from += part.rows;
      }
    });
  }

  reshape(x: DeviceTensor, rows: number, cols: number): DeviceTensor {
    return this.#note([x], this.#scope.reshape(x, rows, cols), (dy) => {
      this.#give(x, this.#scope.reshape(dy, x.rows, x.cols));
    });
  }

  /**
   * Notes a step if one of its inputs is tracked, or it adds to a parameter's gradient. Returns the
   * result.
   */
  #note(
    inputs: readonly DeviceTensor[],
    result: DeviceTensor,
    backward: Step['backward'],
    parameters: readonly string[] = [],
  ): DeviceTensor {
    if (parameters.length > 0 || inputs.some((x) => this.#tracked.has(x))) this.#push(result, backward, parameters);
    return result;
  }

  #push(result: DeviceTensor, backward: Step['backward'], parameters: readonly string[]): void {
    this.#tracked.add(result);
    this.#steps.push({ result, backward, parameters });
    for (const name of parameters) this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
  }

  /** Accumulates dL/dx. */
  #give(x: DeviceTensor, dx: DeviceTensor): void {
    if (!this.#tracked.has(x)) return;
    const before = this.#derivatives.get(x);
    this.#derivatives.set(x, before === undefined ? dx : this.#scope.add(before, dx));
  }

  #addGradient(name: string, dy: DeviceTensor): void {
    const before = this.#gradients.get(name);
    this.#gradients.set(name, before === undefined ? dy : this.#scope.add(before, dy));
  }

  /** One step that adds to a gradient was played: the gradient, if it was the last one. */
  *#finish(name: string): Generator<TapeGradient, void> {
    const left = (this.#uses.get(name) ?? 1) - 1;
    this.#uses.set(name, left);
    const gradient = this.#gradients.get(name);
    if (left > 0 || gradient === undefined) return;
    this.#gradients.delete(name);
    yield { name, gradient };
  }
}

function isComposed(weight: LinearWeight): weight is ComposedLinear {
  return 'apply' in weight;
}
