/**
 * That `npm run coverage` counts what ran: a program whose branches are known, run by Node as the
 * command line is.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { branchesOf } from './branches.ts';
import { countsOf } from './profiles.ts';

const folder = mkdtempSync(join(tmpdir(), 'coverage-spec-'));
afterAll(() => rmSync(folder, { recursive: true }));

const program = `interface Shape { readonly sides: number | null }
export function name(shape: Shape, fallback?: string): string {
  if (shape.sides === null) return fallback ?? 'round';
  switch (shape.sides) {
    case 3:
    case 4:
      return shape.sides === 3 ? 'triangle' : 'square';
    default:
      return 'many-sided';
  }
}
const later = process.argv.length > 2 || ((): string => 'never called')();
if (later) name({ sides: 3 }); else name({ sides: null });
if (later && process.argv[2] === 'all') {
  name({ sides: null });
  name({ sides: 5 });
}
function never(): number { return later ? 1 : 2; }
`;

/** What each branch of the program above counts, over all given runs. */
function counted(...runs: readonly (readonly string[])[]): Record<string, number> {
  const profiles = mkdtempSync(join(folder, 'profiles-'));
  const path = join(folder, 'program.ts');
  writeFileSync(path, program);
  for (const args of runs)
    execFileSync(process.execPath, [path, ...args], { env: { ...process.env, NODE_V8_COVERAGE: profiles } });
  const branches = branchesOf(path, program);
  const counts = countsOf(profiles, new Map([[path, branches]])).get(path) ?? [];
  return Object.fromEntries(branches.map(({ what }, index) => [what, counts[index]]));
}

it('lists the branches of a file in the order of its text', () => {
  expect(branchesOf('program.ts', program).map(({ line, what }) => `${line}: ${what}`)).toEqual([
    '3: then of if (shape.sides === null)',
    '3: no else of if (shape.sides === null)',
    '3: fallback',
    "3: ?? 'round'",
    '7: case 4',
    "7: shape.sides === 3 ? 'triangle'",
    "7: shape.sides === 3 ? : 'square'",
    '9: default',
    '12: process.argv.length > 2',
    "12: || ((): string => 'never called')()",
    '13: then of if (later)',
    '13: else of if (later)',
    "14: then of if (later && process.argv[2] === 'all')",
    "14: no else of if (later && process.argv[2] === 'all')",
    '14: later',
    "14: && process.argv[2] === 'all'",
    '18: later ? 1',
    '18: later ? : 2',
  ]);
});

it('counts what one run takes, and nothing else', () => {
  const counts = counted(['some']);
  expect(counts).toMatchObject({
    'then of if (shape.sides === null)': 0,
    'no else of if (shape.sides === null)': 1,
    "?? 'round'": 0,
    "shape.sides === 3 ? 'triangle'": 1,
    "shape.sides === 3 ? : 'square'": 0,
    default: 0,
    "|| ((): string => 'never called')()": 0,
    'then of if (later)': 1,
    'else of if (later)': 0,
    "then of if (later && process.argv[2] === 'all')": 0,
    "no else of if (later && process.argv[2] === 'all')": 1,
    "&& process.argv[2] === 'all'": 1,
    'later ? 1': 0,
    'later ? : 2': 0,
  });
});

it('adds up what several processes take', () => {
  const counts = counted(['some'], ['all'], ['all']);
  expect(counts).toMatchObject({
    'then of if (shape.sides === null)': 2,
    'no else of if (shape.sides === null)': 5,
    "?? 'round'": 2,
    default: 2,
    "then of if (later && process.argv[2] === 'all')": 2,
    "no else of if (later && process.argv[2] === 'all')": 1,
  });
});

it('gives zeros for a file that no process loaded', () => {
  const path = join(folder, 'other.ts');
  const branches = branchesOf(path, 'export const one = (a: number) => (a > 0 ? 1 : 2);');
  const profiles = mkdtempSync(join(folder, 'none-'));
  expect(countsOf(profiles, new Map([[path, branches]])).get(path)).toEqual([0, 0]);
});
