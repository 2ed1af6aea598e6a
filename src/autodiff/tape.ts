/**
 * Reverse-mode differentiation over a backend's ops (Rumelhart, Hinton & Williams 1986; Griewank & Walther 2008, ch. 3).
 *
 * A Tape implements Ops. Whatever is composed of Ops, applyBlock above all, runs on a tape as it stands: each op runs
 * forward at once, and notes how the derivative of the loss passes through it. `backward` plays the notes in reverse.
 * So the model's formula stands in one place, for inference and for training.
 *
 * Derivatives are computed for what depends on a trained parameter, and for nothing else.
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
import { runThrough } from '../model/eventLoop.ts';

/** A parameter as a tape sees it. */
export interface TapeParameter {
  readonly name: string;
  readonly data: Floats;
  /** Whether its derivative is wanted. */
  readonly trained: boolean;
}

/** A projection on a tape: y = x Wᵀ + b. */
export class TapeLinear implements LinearWeight {
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly weight: TapeParameter;
  readonly bias: TapeParameter | null;
  /** Packed for x Wᵀ + b. */
  readonly forward: LinearWeight;
  /** Packed for dy W, once it is needed. */
  transposed: LinearWeight | null = null;

  constructor(forward: LinearWeight, weight: TapeParameter, bias: TapeParameter | null) {
    this.outFeatures = forward.outFeatures;
    this.inFeatures = forward.inFeatures;
    this.forward = forward;
    this.weight = weight;
    this.bias = bias;
  }

  get bytes(): number {
    return this.forward.bytes + (this.transposed?.bytes ?? 0);
  }
}

/** A projection that is composed of ops, such as one with an adapter. */
export interface ComposedLinear extends LinearWeight {
  apply(tape: Tape, x: DeviceTensor): DeviceTensor;
}

interface Step {
  result: DeviceTensor;
  /** Passes dy, the derivative with respect to the result, on to the inputs. */
  backward: (dy: DeviceTensor) => void;
}

export class Tape implements Ops {
  readonly #scope: GradientScope;
  readonly #steps: Step[] = [];
  /** Arrays that depend on a trained parameter. */
  readonly #tracked = new Set<DeviceTensor>();
  /** dL/dx for each array x, accumulated so far. */
  readonly #derivatives = new Map<DeviceTensor, DeviceTensor>();
  readonly #gradients = new Map<string, DeviceTensor>();

  /** @param scope where everything is made; the caller closes it. */
  constructor(scope: GradientScope) {
    this.#scope = scope;
  }

  /** A parameter as an array [rows, cols]. */
  parameter(parameter: TapeParameter, rows: number, cols: number): DeviceTensor {
    const { name, data, trained } = parameter;
    const x = this.#scope.upload(data, rows, cols);
    if (trained) {
      this.#tracked.add(x);
      // Noted before its first use, so played after its last.
      this.#steps.push({ result: x, backward: (dy) => this.#addGradient(name, dy) });
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
   * The loss, and the end of the forward pass: `weight` · Σ_rows −log softmax(logits)[target]. Returns each row's
   * negative log-likelihood, [R, 1]; rows with target −1 count nothing.
   */
  crossEntropy(logits: DeviceTensor, targets: Int32Array, weight: number): DeviceTensor {
    const { nll, dLogits } = this.#scope.crossEntropy(logits, targets, weight);
    this.#give(logits, dLogits);
    return nll;
  }

  /**
   * Plays the tape in reverse. Returns dL/dW for every trained parameter W that the loss depends on, by name:
   * [outFeatures, inFeatures], [1, n] or [V, C]. They live as long as the scope. A tape is played once.
   */
  backward(): ReadonlyMap<string, DeviceTensor> {
    return runThrough(this.backwardSteps());
  }

  /** The same, stopping after every op. */
  *backwardSteps(): Generator<void, ReadonlyMap<string, DeviceTensor>> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const dy = this.#derivatives.get(step.result);
      this.#derivatives.delete(step.result);
      if (dy === undefined) continue;
      step.backward(dy);
      yield;
    }
    return this.#gradients;
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
    const trained = weight.weight.trained || weight.bias?.trained === true;
    return this.#note([x], y, backward, trained);
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

  /** Notes a step if one of its inputs is tracked, or the step itself has a trained weight. Returns the result. */
  #note(
    inputs: readonly DeviceTensor[],
    result: DeviceTensor,
    backward: Step['backward'],
    trained = false,
  ): DeviceTensor {
    if (trained || inputs.some((x) => this.#tracked.has(x))) {
      this.#tracked.add(result);
      this.#steps.push({ result, backward });
    }
    return result;
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
}

function isComposed(weight: LinearWeight): weight is ComposedLinear {
  return 'apply' in weight;
}
