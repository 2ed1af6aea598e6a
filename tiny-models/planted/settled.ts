/** More than any engine's logarithm and exponential, or a sum of their results here, can be off by. */
const DOUBT = 1e-10;

/**
 * `value` as the nearest multiple of 1 / `steps`. The last bits of Math.log and Math.exp are not the same everywhere;
 * rounded this coarsely they are, unless a value sits on the edge between two multiples. Then this refuses.
 */
export function settled(value: number, steps: number): number {
  const nearest = Math.round(value * steps);
  const fromEdge = (0.5 - Math.abs(value * steps - nearest)) / steps;
  if (!(fromEdge > DOUBT)) throw new Error(`${value} is too close to the edge between two multiples of 1/${steps}.`);
  // Plus 0, as what settles on zero from below would be −0, which is stored differently.
  return nearest / steps + 0;
}
