/**
 * Shortens gradients, all by one factor and in place, if their common norm exceeds `longest`
 * (Pascanu, Mikolov & Bengio 2013, §3.2). Returns the norm as it was; the sum of squares is f64 in
 * the order of the map.
 */
export function clipGradients(gradients: ReadonlyMap<string, Float32Array>, longest: number): number {
  let squares = 0;
  for (const gradient of gradients.values()) for (let i = 0; i < gradient.length; i++) squares += gradient[i] ** 2;
  const norm = Math.sqrt(squares);
  if (norm > longest) {
    const factor = longest / norm;
    for (const gradient of gradients.values()) for (let i = 0; i < gradient.length; i++) gradient[i] *= factor;
  }
  return norm;
}
