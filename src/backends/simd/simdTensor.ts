import { Handle, LinearHandle, NllHandle, Rules } from '../handles.ts';
import type { Allocation } from './arena.ts';

/** A device array of the SIMD backend: an address in the WebAssembly memory. */
export class SimdTensor extends Handle {
  readonly offset: number;
  /** The piece of the arena this handle owns; null for a view. */
  readonly allocation: Allocation | null;

  constructor(rows: number, cols: number, offset: number, allocation: Allocation | null, owner: Handle | null) {
    super(rows, cols, owner);
    this.offset = offset;
    this.allocation = allocation;
  }
}

export class SimdLinear extends LinearHandle {
  readonly bytes: number;
  readonly panels: Allocation;
  readonly bias: Allocation | null;

  constructor(outFeatures: number, inFeatures: number, panels: Allocation, bias: Allocation | null) {
    super(outFeatures, inFeatures);
    this.panels = panels;
    this.bias = bias;
    this.bytes = panels.bytes + (bias?.bytes ?? 0);
  }
}

export class SimdNll extends NllHandle {
  readonly state: Allocation;

  constructor(rows: number, state: Allocation) {
    super(rows);
    this.state = state;
  }
}

export const rules: Rules<SimdTensor, SimdLinear, SimdNll> = new Rules('simd', SimdTensor, SimdLinear, SimdNll);
