/**
 * Turns of phrase that readers stumbled over, and what to write instead. They must not come back.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, sourcesBelow } from './sources.ts';

const turns: readonly [turn: RegExp, instead: string][] = [
  [/not to be had/, 'there is no …, … is not available'],
  [/[Tt]here where/, 'where'],
  [/\bha(?:s|ve) got\b/, 'has'],
  [/takes? no notice/, 'ignores'],
  [/whose one\b/, 'name the thing'],
  [/\b(?:gradient|derivative)s? by [a-z]\b/, 'with respect to'],
  [/(?<![Tt]here )\bis no (?:JSON object|list|string|number|text|pair|multiple|token id|block name)\b/, 'is not a …'],
  [/\b(?:nats a token|bits a byte)\b/, 'nats per token, bits per byte'],
  [/\b(?:thereof|wherein|whereby|herein|lest)\b/, 'a sentence of its own'],
];

const pages = ['README.md', 'CONTRIBUTING.md']
  .concat(readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)))
  .concat(readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((name) => join('src', name)))
  .filter((name) => name.endsWith('.md'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
const texts = [...pages, ...sourcesBelow('src')];

/** `where:line` of every place where a turn stands. */
function places(turn: RegExp): string[] {
  return texts.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (turn.test(line) ? [`${path}:${index + 1}`] : [])),
  );
}

describe('comments, messages and pages', () => {
  it('are seen at all', () => {
    expect(pages.length).toBeGreaterThan(20);
    expect(places(/residual/).length).toBeGreaterThan(20);
  });

  it.each(turns)('do without %s: %s', (turn) => {
    expect(places(turn)).toEqual([]);
  });
});
