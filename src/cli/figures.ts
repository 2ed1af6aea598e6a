/** Numbers for people. Documents keep all digits. */
import { formatChange, formatPairedChange, formatPercent, formatShare } from '../drawing/numbers.ts';
import type { NonFinite } from '../eval/figures.ts';
import type { PairedDifference, ShareBack } from '../eval/paired.ts';
import type { Perplexity } from '../eval/perplexity.ts';

/**
 * A perplexity: five significant digits, exponents only where it is huge. Without one, the reason.
 */
export function figure(value: number | null, status?: NonFinite): string {
  if (value === Infinity || status === 'infinite') return 'infinite';
  if (value === null || Number.isNaN(value)) return 'not a number';
  return value >= 1e6 ? value.toExponential(3) : String(Number(value.toPrecision(value >= 1e4 ? 6 : 5)));
}

/**
 * What a perplexity is made of. `nats per token` is always the mean over all scored tokens, as bits
 * a byte are; where the mean of the chunks' means, of which perplexity is exp, is another number,
 * both are named.
 */
export function lossWords({ nll, natsPerToken, bitsPerByte }: Perplexity): string {
  const parts = [`${natsPerToken.toFixed(5)} nats per token`];
  if (bitsPerByte !== null) parts.push(`${bitsPerByte.toFixed(4)} bits per byte`);
  if (nll.toFixed(5) !== natsPerToken.toFixed(5)) parts.unshift(`exp of ${nll.toFixed(5)}, the mean of chunk means`);
  return parts.join('; ');
}

/** 0.1234 → `12.3 %`, as the report writes it. */
export function percent(share: number): string {
  return plainSpaces(formatPercent(share));
}

/** How far a figure lies from the one before, both above 0: `+24.4 %`, as the report writes it. */
export function changed(value: number, base: number): string {
  return plainSpaces(formatChange(value, base));
}

/** A change with its own error: `+24.4 ± 0.8 %`. */
export function pairedChange({ nats, standardError }: PairedDifference): string {
  return plainSpaces(formatPairedChange(nats, standardError));
}

/** A share with its own error: `74.1 ± 0.9 %`. */
export function shareWords({ share, standardError }: ShareBack): string {
  return plainSpaces(formatShare(share, standardError));
}

/** A terminal's text is searched and copied: no U+00A0 in it. */
function plainSpaces(text: string): string {
  return text.replaceAll('\u00A0', ' ');
}

/** 98362432 → `93.8 MiB` */
export function byteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 2 ** (10 * power)).toFixed(1)} ${units[power]}`;
}

/**
 * Rows of cells as aligned columns; numbers to the right where a column's header says so with a
 * leading `>`.
 */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const right = header.map((title) => title.startsWith('>'));
  const titles = header.map((title) => title.replace(/^>/, ''));
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]): string => {
    return cells
      .map((cell, column) => (right[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd();
  };
  return [line(titles), ...rows.map(line)].join('\n');
}

/** A small curve of perplexities for a terminal: one bar a step, on a log scale. */
export function sparkline(values: readonly (number | null)[]): string {
  const bars = '▁▂▃▄▅▆▇█';
  const known = values.map((value) => (value !== null && Number.isFinite(value) ? value : NaN));
  const finite = known.filter((value) => !Number.isNaN(value));
  const low = Math.min(...finite);
  // log(value / low), also of values so close that their logarithms are equal.
  const heights = known.map((value) => Math.log1p((value - low) / low));
  const span = Math.log1p((Math.max(...finite) - low) / low) || 1;
  return heights.map((height) => (Number.isNaN(height) ? '×' : bars[Math.floor((height / span) * 7.999)])).join('');
}
