/**
 * Readers of option values: each gives a number within its range, or says in one line what it wants
 * instead.
 */
import { InvalidArgumentError } from 'commander';
import type { Lanes } from '../backends/simd/kernels.ts';
import { isRidgeList, RIDGE_WORDS } from '../repair/settings.ts';

/** What a number may be; bounds are allowed themselves unless `above` or `below` says otherwise. */
export interface Range {
  readonly whole: boolean;
  readonly min: number;
  readonly max: number;
  /** The least is not allowed itself. */
  readonly above?: boolean;
  /** Nor is the greatest. */
  readonly below?: boolean;
}

/** A reader of an option's value, with the range that it allows. */
export interface NumberReader<Word extends string = never> {
  (text: string): number | Word;
  readonly range: Range;
  /** What may stand in a number's place. */
  readonly word?: Word;
}

/** Beyond what a text, a model or a run has of anything. */
const MANY = 2 ** 31 - 1;

export function wholeNumber(min: number, max: number = MANY): NumberReader {
  return reader({ whole: true, min, max });
}

/** Seeds are any numbers that are exact. */
export const seed: NumberReader = wholeNumber(0, Number.MAX_SAFE_INTEGER);

export function number(range: Omit<Range, 'whole'>): NumberReader {
  return reader({ whole: false, ...range });
}

function reader(range: Range): NumberReader {
  const read = (text: string): number => {
    const written = range.whole ? /^\d+$/ : /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
    const value = written.test(text.trim()) ? Number(text) : NaN;
    if (!isWithin(value, range)) throw new InvalidArgumentError(`Give ${inWords(range)}.`);
    return value;
  };
  return Object.assign(read, { range });
}

/** Of tokens: `8192`, or `all` for the whole text. */
export const tokenCount: NumberReader<'all'> = orWord(wholeNumber(2), 'all');

function orWord<Word extends string>(numbers: NumberReader, word: Word): NumberReader<Word> {
  const read = (text: string): number | Word => {
    if (text.trim() === word) return word;
    try {
      return numbers(text);
    } catch {
      throw new InvalidArgumentError(`Give ${inWords(numbers.range)}, or ${word}.`);
    }
  };
  return Object.assign(read, { range: numbers.range, word });
}

function isWithin(value: number, { min, max, above = false, below = false }: Range): boolean {
  return (above ? value > min : value >= min) && (below ? value < max : value <= max);
}

/** `a whole number from 1 to 512`, `a number above 0 and below 1` */
function inWords({ whole, min, max, above = false, below = false }: Range): string {
  const kind = whole ? 'a whole number' : 'a number';
  if (!above && !below) return `${kind} from ${min} to ${max}`;
  return `${kind} ${above ? `above ${min}` : `of at least ${min}`} and ${below ? `below ${max}` : `at most ${max}`}`;
}

const betweenNoneAndAll = number({ min: 0, above: true, max: 1, below: true });

/** A share above 0 and below 1, as 0.2; who writes 20 or 20% is told how. */
export const share: NumberReader = Object.assign(readShare, { range: betweenNoneAndAll.range });

function readShare(text: string): number {
  try {
    return betweenNoneAndAll(text);
  } catch (error) {
    const percent = Number(text.trim().replace(/\s*%$/, ''));
    if (!(percent >= 1 && percent < 100)) throw error;
    const words = inWords(betweenNoneAndAll.range);
    throw new InvalidArgumentError(`Give ${words}: for ${percent} % write ${Number((percent / 100).toPrecision(12))}.`);
  }
}

/** `20%` or `20` → 20. */
export function percentage(text: string): number {
  const match = /^(\d+\.?\d*|\.\d+)\s*%?$/.exec(text.trim());
  const value = match === null ? NaN : Number(match[1]);
  if (!(value >= 0 && value <= LARGEST_INCREASE)) {
    throw new InvalidArgumentError(`Give a percentage from 0% to ${LARGEST_INCREASE}%, such as 20%.`);
  }
  return value;
}

/** Of a perplexity that is so many times the dense one, nothing is left to protect. */
const LARGEST_INCREASE = 1e6;

/** `L0.mha,L3` → its names; whether a model has them is told when it is opened. */
export function blockList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (!names.every((name) => /^L(?:0|[1-9]\d{0,5})(?:\.(?:mha|mlp))?$/.test(name))) {
    throw new InvalidArgumentError('Give blocks and layers, such as L0.mha,L3.');
  }
  return names;
}

/** Ridge factors: `0.1,0.3,1`. */
export function ridgeList(text: string): number[] {
  const factors = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (!isRidgeList(factors)) throw new InvalidArgumentError(`Give ${RIDGE_WORDS}, such as 0.1,0.3,1.`);
  return factors;
}

export function laneCount(text: string): Lanes {
  if (text !== '4' && text !== '8') throw new InvalidArgumentError('Give 4 or 8.');
  return text === '4' ? 4 : 8;
}

/**
 * Most that --memory may ask for, 1 PiB: what a machine does not have is told when the model is
 * opened.
 */
const LARGEST_MEMORY = 2 ** 50;

/** `2GB`, `512MiB`, `1.5G` → bytes. GB and G are 2³⁰ here, as memory is bought. */
export function memorySize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT])?i?B?$/i.exec(text.trim());
  const power = { K: 10, M: 20, G: 30, T: 40 }[(match?.[2] ?? '').toUpperCase()] ?? 0;
  const bytes = match === null ? NaN : Number(match[1]) * 2 ** power;
  if (!(bytes >= 2 ** 20 && bytes <= LARGEST_MEMORY)) {
    throw new InvalidArgumentError('Give a size from 1MB to 1024TB, such as 2GB or 512MB.');
  }
  return Math.floor(bytes);
}

/** An option's text, `\\n` and `\\t` being what they stand for. */
export function escapesRead(text: string): string {
  return text.replaceAll('\\n', '\n').replaceAll('\\t', '\t');
}
