import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { mutants } from './mutants/all.ts';
import { mutated } from './mutants/mutant.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

describe('npm run mutants', () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    '%s: the tree has its text and specs',
    (_, mutant) => {
      const text = readFileSync(`${root}${mutant.file}`, 'utf8');
      expect(mutated(text, mutant)).not.toBe(text);
      expect(mutant.specs.length).toBeGreaterThan(0);
      expect(mutant.specs.filter((spec) => !existsSync(`${root}${spec}`))).toEqual([]);
    },
  );

  it('tells faults by their names, and knows when a file has moved on', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
    const mutant = { name: 'm', file: 'f', from: 'a$', to: '$&', specs: [] };
    expect(mutated('xa$', mutant)).toBe('x$&');
    for (const text of ['a', 'a$ a$']) expect(() => mutated(text, mutant)).toThrow("mutant 'm': f has");
  });
});
