/** Figures of different answers are not to be compared: results are, on sampled values, before anything is timed. */

/** Of the larger of its values that a value may be off: f32 sums of some thousand terms in another order. */
const TOLERANCE = 1e-4;

/**
 * @param most values to look at, evenly spread over all.
 * @throws Error where `found` differs from `expected`, is longer or shorter, or is not a number
 * where that is one.
 */
export function expectSame(what: string, found: Float32Array, expected: Float32Array, most = 2_000): void {
  if (found.length !== expected.length) throw new Error(`${what}: ${found.length} values, not ${expected.length}.`);
  const step = Math.max(1, Math.ceil(expected.length / most));
  const places = Array.from({ length: Math.ceil(expected.length / step) }, (_, index) => index * step);
  const scale = Math.max(...places.map((at) => Math.abs(expected[at])));
  for (const at of places) {
    const error = Math.abs(found[at] - expected[at]);
    if (error <= TOLERANCE * scale) continue;
    throw new Error(`${what}: ${found[at]} at ${at}, not ${expected[at]}, beside values up to ${scale}.`);
  }
}
