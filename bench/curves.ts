/** Curves of time against size, and the size at which one falls below others for good. */
import { plural } from '../src/drawing/numbers.ts';
import type { Row } from './document.ts';

export interface Point {
  size: number;
  /** Milliseconds of a call. */
  ms: number;
}

export interface Curve {
  op: string;
  engine: string;
  threads: number;
  /** In ascending order of size. */
  points: readonly Point[];
}

/** The curves among a bench's rows, in the order in which they begin. */
export function curvesOf(rows: readonly Row[]): Curve[] {
  const found = new Map<string, Curve & { points: Point[] }>();
  for (const { engine, threads, value: ms, curve } of rows) {
    if (curve === undefined) continue;
    const { op, size } = curve;
    const key = JSON.stringify([op, engine, threads]);
    const known = found.get(key) ?? { op, engine, threads, points: [] };
    known.points.push({ size, ms });
    known.points.sort((a, b) => a.size - b.size);
    found.set(key, known);
  }
  return [...found.values()];
}

/**
 * The smallest size from which on a curve is below all of `others`: there and at every larger size that it shares with
 * one of them. Null where it is not even at the largest one shared, or shares none.
 */
export function crossover(curve: readonly Point[], others: readonly (readonly Point[])[]): number | null {
  let from: number | null = null;
  for (const { size, ms } of curve.toReversed()) {
    const beside = others.flatMap((other) => other.filter((point) => point.size === size));
    if (beside.length === 0) continue;
    if (beside.some((point) => point.ms <= ms)) break;
    from = size;
  }
  return from;
}

/** What gpu.js ran, in curves of one op: everything that is not simd's and not the reference's. */
export function ofGpuJs({ engine }: Pick<Row, 'engine'>): boolean {
  return engine.startsWith('gpu (');
}

/** From which size on a curve is below all of simd's of its op; null where it is nowhere. */
export function beatsSimd(curve: Curve, curves: readonly Curve[]): number | null {
  const simd = curves.filter(({ op, engine }) => op === curve.op && engine.startsWith('simd'));
  return crossover(
    curve.points,
    simd.map(({ points }) => points),
  );
}

/** `simd (relaxed-fma), 2 threads`; `gpu (webgpu, nvidia hopper)`. */
export function engineLabel({ engine, threads }: Pick<Row, 'engine' | 'threads'>): string {
  return threads === 0 ? engine : `${engine}, ${plural(threads, 'thread')}`;
}
