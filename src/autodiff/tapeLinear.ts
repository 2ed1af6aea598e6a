import type { LinearWeight } from '../backends/backend.ts';
import type { Floats } from '../backends/gradients.ts';

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
