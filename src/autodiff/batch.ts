/** Sequences that a pass on a tape sees, and what is to be learned of each token. */

/** Sequences of one length on top of one another, R = sequences · seqLen rows. */
export interface Batch {
  /** Token ids [R]. */
  readonly inputs: Int32Array;
  /** What follows each, [R]; −1 where nothing is to be learned. */
  readonly targets: Int32Array;
  readonly seqLen: number;
}

/** How many rows have a target. */
export function countTargets({ targets }: Batch): number {
  return targets.reduce((count, id) => (id < 0 ? count : count + 1), 0);
}
