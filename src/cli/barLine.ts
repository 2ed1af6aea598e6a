/** One line of a live bar, in as many columns as the terminal has. */

/** A part of the line. */
export interface BarPart {
  readonly text: string;
  /** Of two parts that do not both fit, the one with the lower rank stays. */
  readonly rank: number;
}

/** Columns of the bar itself. */
const SHORTEST = 8;
const LONGEST = 24;

/**
 * `title ███░░░ 43% · part · part`: parts that do not fit are left out, the highest rank first, and
 * the bar itself takes what is left. A line that still is too long is cut.
 */
export function barLine(title: string, fraction: number, parts: readonly BarPart[], columns: number): string {
  // The last column stays free: some terminals wrap when it is filled.
  const width = Math.max(1, columns - 1);
  const kept = parts.filter(({ text }) => text !== '');
  const percentage = `${Math.floor(100 * fraction)}%`;
  const lineOf = (bar: string): string => {
    const head = [title, bar, percentage].filter((text) => text !== '').join(' ');
    return [head, ...kept.map(({ text }) => text)].join(' · ');
  };
  const room = (): number => width - lineOf('').length - 1;
  while (room() < SHORTEST && kept.length > 0) {
    const worst = Math.max(...kept.map(({ rank }) => rank));
    // Better no bar than a line without the times.
    if (worst <= NEEDED && room() + 1 >= 0) break;
    kept.splice(
      kept.findIndex(({ rank }) => rank === worst),
      1,
    );
  }
  const bar = room() < SHORTEST ? '' : drawn(fraction, Math.min(LONGEST, room()));
  return lineOf(bar).slice(0, width);
}

/** Parts up to this rank matter more than the bar. */
const NEEDED = 2;

function drawn(fraction: number, size: number): string {
  const full = Math.max(0, Math.min(size, Math.floor(fraction * size)));
  return '█'.repeat(full) + '░'.repeat(size - full);
}
