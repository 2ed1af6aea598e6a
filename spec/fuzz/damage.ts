/** Damage to a file, as disks, editors and careless copies do it. */
import type { Rng } from '../../src/tensor/rng.ts';

/** @param others files of other runs, to take parts from. */
export type Damage = (file: Uint8Array, others: readonly Uint8Array[]) => Uint8Array;

const NEWLINE = 10;

/** A kind of damage, drawn for one file. */
type Draw = (rng: Rng) => Damage;

/** By name. Each is drawn anew for every file. */
export const damages: Readonly<Record<string, Draw>> = {
  'a bit flipped': (rng) => (file) => flipped(file, rng),
  'bits flipped': (rng) => (file) =>
    Array.from({ length: 2 + rng.int(6) }).reduce<Uint8Array>((f) => flipped(f, rng), file),
  'a digit edited': (rng) => (file) => edited(file, rng),
  'digits edited': (rng) => (file) => edited(edited(file, rng), rng),
  'the end cut off': (rng) => (file) => file.slice(0, rng.int(file.length)),
  'bytes cut out': (rng) => (file) => {
    const from = rng.int(file.length);
    return joined(file.subarray(0, from), file.subarray(from + 1 + rng.int(40)));
  },
  'bytes twice': (rng) => (file) => {
    const from = rng.int(file.length);
    return joined(file.subarray(0, from + 1 + rng.int(40)), file.subarray(from));
  },
  'zeros in place of bytes': (rng) => (file) => {
    const from = rng.int(file.length);
    return file.slice().fill(0, from, from + 1 + rng.int(600));
  },
  'lines swapped': (rng) => (file) =>
    withLines(file, (lines) => {
      const [a, b] = [rng.int(lines.length), rng.int(lines.length)];
      return lines.with(a, lines[b]).with(b, lines[a]);
    }),
  'a line twice': (rng) => (file) =>
    withLines(file, (lines) => {
      const at = rng.int(lines.length);
      return lines.toSpliced(rng.int(lines.length + 1), 0, lines[at]);
    }),
  'a line left out': (rng) => (file) => withLines(file, (lines) => lines.toSpliced(rng.int(lines.length), 1)),
  'a line of another run': (rng) => (file, others) =>
    withLines(file, (lines) => {
      const other = linesOf(others[rng.int(others.length)]);
      // Its header is the same, and so would be no damage.
      const at = 1 + rng.int(Math.min(lines.length, other.length) - 1);
      return lines.with(at, other[at]);
    }),
  "another run's end": (rng) => (file, others) => {
    const other = others[rng.int(others.length)];
    // Behind the first record, whole lines or not: a whole other file would be that run's own.
    const first = file.indexOf(NEWLINE, file.indexOf(NEWLINE) + 1) + 1;
    const at = Math.min(other.length, first + rng.int(Math.max(1, file.length - first)));
    return joined(file.subarray(0, at), other.subarray(at));
  },
  'a checksum left out': (rng) => (file) =>
    withLines(file, (lines) => {
      const at = rng.int(lines.length);
      return lines.with(at, lines[at].replace(/,?"(?:sum|sha256)":"\w+",?/, ''));
    }),
};

function flipped(file: Uint8Array, rng: Rng): Uint8Array {
  const damaged = file.slice();
  damaged[rng.int(file.length)] ^= 1 << rng.int(8);
  return damaged;
}

/** Another digit, where there is one near; else another byte. */
function edited(file: Uint8Array, rng: Rng): Uint8Array {
  const damaged = file.slice();
  const from = rng.int(file.length);
  const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;
  const near = damaged.subarray(from).findIndex(isDigit);
  damaged[from + Math.max(0, near)] = 48 + rng.int(10);
  return damaged;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function linesOf(file: Uint8Array): string[] {
  return Buffer.from(file).toString('latin1').split('\n').slice(0, -1);
}

/** Latin-1 keeps every byte, whatever it was. A file without lines is left alone. */
function withLines(file: Uint8Array, change: (lines: string[]) => string[]): Uint8Array {
  const lines = linesOf(file);
  if (lines.length < 2) return file;
  return new Uint8Array(
    Buffer.from(
      change(lines)
        .map((line) => `${line}\n`)
        .join(''),
      'latin1',
    ),
  );
}
