/** Readers of option values: each gives a number or says in one line what it wants instead. */
import { InvalidArgumentError } from 'commander';
import type { Lanes } from '../backends/simd/kernels.ts';

export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(Number.isSafeInteger(value) && value >= minimum)) {
      throw new InvalidArgumentError(`Give a whole number ≥ ${minimum}.`);
    }
    return value;
  };
}

export function number(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('Give a number.');
  return value;
}

export function laneCount(text: string): Lanes {
  if (text !== '4' && text !== '8') throw new InvalidArgumentError('Give 4 or 8.');
  return text === '4' ? 4 : 8;
}

/** `2GB`, `512MiB`, `1.5G` → bytes. GB and G are 2³⁰ here, as memory is bought. */
export function memorySize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT])?i?B?$/i.exec(text.trim());
  const power = { K: 10, M: 20, G: 30, T: 40 }[(match?.[2] ?? '').toUpperCase()] ?? 0;
  const bytes = match === null ? NaN : Number(match[1]) * 2 ** power;
  if (!(bytes >= 2 ** 20)) throw new InvalidArgumentError('Give a size of at least 1MB, such as 2GB or 512MB.');
  return Math.floor(bytes);
}
