/**
 * How numbers are written for people, in the report, on the terminal and in benchmarks: short,
 * without a locale, legible from 1e-30 to 1e30. U+00A0 glues units to figures.
 */

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const MINUS = '\u2212';

/** A magnitude in at most `digits` significant digits: `19.2`, `12,340`, `5.76·10⁵`. */
export function formatSignificant(value: number, digits = 3): string {
  if (value < 0) return MINUS + formatSignificant(-value, digits);
  if (value !== 0 && (value >= 1e6 || value < 1e-3)) return scientific(value, digits);
  const decimals = Math.max(0, digits - 1 - (value === 0 ? digits : Math.floor(Math.log10(value))));
  return groupThousands(value.toFixed(decimals));
}

/**
 * A round number such as a tick, without the trailing zeros that would only be noise: `17.5`,
 * `10,000`, `10⁸`.
 */
export function formatRound(value: number): string {
  const text = formatSignificant(value, 6);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/**
 * A share of one as per cent: 0.142 → `14.2 %`, −0.0994 → `−9.94 %`. One decimal, two below ten per
 * cent.
 */
export function formatPercent(share: number): string {
  if (share < 0) return MINUS + formatPercent(-share);
  const percent = 100 * share;
  const fine = percent.toFixed(2);
  const digits = Number(fine) >= 10 ? percent.toFixed(1) : fine;
  return `${percent === 0 ? '0' : digits}\u00A0%`;
}

/**
 * How far `value` lies from `base` (both > 0): `+24.4 %`, `−1.4 %`, and from tenfold on `×12.3`.
 */
export function formatChange(value: number, base: number): string {
  const factor = value / base;
  if (!Number.isFinite(factor)) return 'beyond measure';
  if (factor >= 10) return `×${formatSignificant(factor)}`;
  const change = formatPercent(factor - 1);
  if (/^\D*[0.]+\D*$/.test(change)) return `±0\u00A0%`;
  return factor < 1 ? change : `+${change}`;
}

/**
 * A change with its standard error: `+24.4 ± 0.8 %`, and from tenfold on `×12.3 ± 0.4`. As many
 * decimals as the error has two digits.
 * @param nats ln of the factor. @param error of `nats`; null where none is known.
 */
export function formatPairedChange(nats: number, error: number | null): string {
  const factor = Math.exp(nats);
  const spread = error === null ? NaN : factor * error;
  if (!Number.isFinite(spread)) return formatChange(factor, 1);
  if (factor >= 10) return `×${formatSignificant(factor)}\u00A0±\u00A0${formatSignificant(spread, 2)}`;
  const percent = 100 * Math.expm1(nats);
  const digits = spread === 0 ? 2 : Math.min(4, Math.max(0, 1 - Math.floor(Math.log10(100 * spread))));
  const sign = percent < 0 ? MINUS : '+';
  return `${sign}${Math.abs(percent).toFixed(digits)}\u00A0±\u00A0${(100 * spread).toFixed(digits)}\u00A0%`;
}

/** A share with its standard error: `74.1 ± 0.9 %`, to two digits of the error. */
export function formatShare(share: number, error: number | null): string {
  const sign = share < 0 ? MINUS : '';
  if (error === null || !Number.isFinite(error)) return `${sign}${Math.abs(100 * share).toFixed(0)}\u00A0%`;
  const digits = error === 0 ? 0 : Math.min(4, Math.max(0, 1 - Math.floor(Math.log10(100 * error))));
  return `${sign}${Math.abs(100 * share).toFixed(digits)}\u00A0±\u00A0${(100 * error).toFixed(digits)}\u00A0%`;
}

/** A count of parameters: `134.5 M`. */
export function formatParameters(count: number): string {
  const units: readonly [number, string][] = [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  const unit = units.find(([size]) => count >= size);
  return unit === undefined ? formatCount(count) : `${formatSignificant(count / unit[0], 4)}\u00A0${unit[1]}`;
}

/** An exact whole number with its thousands grouped: `134,515,008`. */
export function formatCount(count: number): string {
  return Number.isSafeInteger(count) ? groupThousands(String(count)) : formatSignificant(count);
}

/** A stretch of time: `50.5 s`, `12 min 5 s`, `3 h 20 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)}\u00A0s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}\u00A0min ${Math.floor(seconds % 60)}\u00A0s`;
  return `${formatCount(Math.floor(minutes / 60))}\u00A0h ${minutes % 60}\u00A0min`;
}

/** `1 block`, `12 blocks`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function scientific(value: number, digits: number): string {
  const [mantissa, exponent] = value.toExponential(digits - 1).split('e');
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  const power = Number(exponent);
  const raised = [...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[Number(digit)]).join('');
  return `${short === '1' ? '' : `${short}·`}10${power < 0 ? '⁻' : ''}${raised}`;
}

function groupThousands(decimal: string): string {
  const [whole, fraction] = decimal.split('.');
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
