/**
 * Axes with round ticks. An axis maps data to 0 … 1; the drawing decides how long that is and which
 * way it runs.
 */

export interface Axis {
  readonly log: boolean;
  /** Ascending; the first and the last enclose all the data. */
  readonly ticks: readonly number[];
  /** Where a value lies between the first tick (0) and the last (1). */
  readonly place: (value: number) => number;
}

/** From this ratio of largest to smallest on, equal factors tell more than equal differences. */
const LOG_FROM_RATIO = 10;

/**
 * Narrower data than this share of its size is noise; a closer look would only magnify rounding.
 */
const LEAST_RELATIVE_SPAN = 0.01;

/**
 * The axis for a set of perplexities: logarithmic when they span more than tenfold, else linear.
 * @param values finite, at least one
 * @param most about how many ticks to aim for
 */
export function perplexityAxis(values: readonly number[], most = 7): Axis {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const log = low > 0 && high / low > LOG_FROM_RATIO;
  const ticks = log ? logTicks(low, high, most) : linearTicks(low, high, most);
  const map = log ? Math.log : (value: number): number => value;
  const first = map(Math.min(low, ticks[0]));
  const span = map(Math.max(high, ticks[ticks.length - 1])) - first;
  return { log, ticks, place: (value) => (map(value) - first) / span };
}

/** Multiples of 1, 2 or 5 times a power of ten that enclose low … high. */
export function linearTicks(low: number, high: number, most: number): number[] {
  const least = Math.abs(high) * LEAST_RELATIVE_SPAN || 1;
  const margin = Math.max(0, least - (high - low)) / 2;
  const step = roundStep((high - low + 2 * margin) / (most - 1));
  const from = Math.floor((low - margin) / step);
  const to = Math.ceil(Math.min(high + margin, Number.MAX_VALUE) / step);
  return Array.from({ length: to - from + 1 }, (_, index) => tidy((from + index) * step));
}

/**
 * 1, 2, 5 of each decade while they fit, then whole decades, then every so many decades; they
 * enclose low … high.
 */
export function logTicks(low: number, high: number, most: number): number[] {
  const from = Math.max(-307, Math.floor(Math.log10(low)));
  const to = Math.min(308, Math.ceil(Math.log10(high)));
  if (to - from > 2) {
    const stride = Math.ceil((to - from) / (most - 1));
    return Array.from({ length: Math.ceil((to - from) / stride) + 1 }, (_, index) => {
      return powerOfTen(Math.min(308, from + index * stride));
    });
  }
  const fine = Array.from({ length: to - from + 1 }, (_, index) => from + index).flatMap((exponent) => {
    return [1, 2, 5].map((digit) => tidy(digit * powerOfTen(exponent)));
  });
  const first = fine.findLastIndex((tick) => tick <= low);
  const last = fine.findIndex((tick) => tick >= high);
  return fine.slice(Math.max(0, first), last < 0 ? undefined : last + 1);
}

/** The smallest of 1, 2, 5 · 10ⁿ that is at least `rough`. */
function roundStep(rough: number): number {
  const power = powerOfTen(Math.floor(Math.log10(rough)));
  return ([1, 2, 5].find((digit) => digit * power >= rough) ?? 10) * power;
}

/** Read from text, because 10 ** n is not always the nearest number to the power. */
function powerOfTen(exponent: number): number {
  return Number(`1e${exponent}`);
}

/**
 * Drops the rounding noise of index · step, so that a tick reads 0.3 and not 0.30000000000000004;
 * stays finite.
 */
function tidy(tick: number): number {
  return Math.min(Number.MAX_VALUE, Number(tick.toPrecision(12)));
}
