import type { Floats } from '../../ops/floats.ts';
import type { NllSums } from '../../ops/nll.ts';
import { Handle, LinearHandle, NllHandle, Rules } from '../handles.ts';

/** A device array of the reference backend: its numbers. */
export class ReferenceTensor extends Handle {
  readonly data: Floats;

  constructor(rows: number, cols: number, data: Floats, owner: Handle | null) {
    super(rows, cols, owner);
    this.data = data;
  }
}

export class ReferenceLinear extends LinearHandle {
  readonly weight: Floats;
  readonly bias: Floats | null;
  readonly bytes: number;

  constructor(outFeatures: number, inFeatures: number, weight: Floats, bias: Floats | null) {
    super(outFeatures, inFeatures);
    this.weight = weight;
    this.bias = bias;
    this.bytes = weight.byteLength + (bias?.byteLength ?? 0);
  }
}

/** Three f64. */
export const NLL_ROW_BYTES = 24;

export class ReferenceNll extends NllHandle {
  readonly sums: NllSums;

  constructor(rows: number, sums: NllSums) {
    super(rows);
    this.sums = sums;
  }

  get bytes(): number {
    return this.rows * NLL_ROW_BYTES;
  }
}

export const rules: Rules<ReferenceTensor, ReferenceLinear, ReferenceNll> = new Rules(
  'reference',
  ReferenceTensor,
  ReferenceLinear,
  ReferenceNll,
);
