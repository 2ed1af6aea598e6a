/**
 * A backend's description as everyday use needs it: `simd (relaxed-fma, 8 lanes, 2 threads)` →
 * `simd, 2 threads`. Which kernels and how many lanes ran is in every document, in the report, and
 * in `doctor`; on the terminal where --lanes was asked for. Another backend's is short as it is.
 */
export function backendWords(description: string, lanes?: number): string {
  const [, threads] = /^simd \([\w-]+, \d+ lanes, (\d+ threads?)\)$/.exec(description) ?? [];
  return threads === undefined || lanes !== undefined ? description : `simd, ${threads}`;
}
