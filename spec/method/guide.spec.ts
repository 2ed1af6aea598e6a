/** The guide to methods says what the list says. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { methods } from '../../src/prune/methods/all.ts';

const guide = readFileSync(new URL('../../docs/guide/methods.md', import.meta.url), 'utf8').replaceAll(/ {2,}/g, ' ');

describe.each(methods.map((method) => [method.name, method] as const))(
  'the guide on %s',
  (name, { summary, paper }) => {
    it('has its row, its paragraph and its figures', () => {
      expect(guide).toContain(`| \`${name}\` | ${summary} | ${paper ?? 'a control'} |`);
      expect(guide).toContain(`**${name}.**`);
      expect(guide).toMatch(new RegExp(`\\| \`${name}\` \\| \\d+[.:\\d]`));
    });
  },
);
