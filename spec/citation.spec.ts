/** CITATION.cff: what the schema of CFF 1.2.0 asks for, and what package.json says too. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './sources.ts';

const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const manifest = JSON.parse(read('package.json')) as { name: string; version: string; license: string };
const lines = read('CITATION.cff').split('\n');

/** Fields of the schema, at the top and of a reference, that are used here or may be one day. */
const fields = {
  top: 'abstract authors cff-version date-released identifiers keywords license message references title type version',
  reference: 'authors collection-title conference identifiers title type url year',
  person: 'family-names given-names',
};

/** The keys of a mapping that is so many columns in, and their values on the line. */
function mapping(indent: number, from: readonly string[] = lines): [key: string, value: string][] {
  const pattern = new RegExp(`^ {${indent}}([a-z][a-z-]*):(?: (.*))?$`);
  return from.flatMap((line) => {
    const found = pattern.exec(line.replace(/^( *)- /, '$1  '));
    return found === null ? [] : [[found[1], found[2] ?? '']];
  });
}

const top = new Map(mapping(0));
const reference = lines.slice(lines.indexOf('references:'));

it('has the fields that must be there, and no other than those of the schema', () => {
  for (const key of ['cff-version', 'message', 'title', 'authors']) expect([...top.keys()]).toContain(key);
  expect([...top.keys()].filter((key) => !fields.top.split(' ').includes(key))).toEqual([]);
  expect([top.get('cff-version'), top.get('type')]).toEqual(['1.2.0', 'software']);
  // Each key once.
  expect(mapping(0)).toHaveLength(top.size);
});

it('says what package.json says', () => {
  const said = ['title', 'version', 'license'].map((key) => top.get(key));
  expect(said).toEqual([manifest.name, manifest.version, manifest.license]);
});

it('cites the paper with all its authors, as the README does', () => {
  const of = new Map(mapping(4, reference));
  expect([...of.keys()].filter((key) => !fields.reference.split(' ').includes(key))).toEqual([]);
  expect(of.get('type')).toBe('conference-paper');
  expect(of.get('title')).toBe("'BlockPruner: Fine-grained Pruning for Large Language Models'");
  const people = mapping(8, reference).filter(([key]) => fields.person.split(' ').includes(key));
  const names = people.map(([, value]) => value);
  expect(names).toEqual('Zhong Longguang Wan Fanqi Chen Ruijun Quan Xiaojun Li Liangzhi'.split(' '));
  for (const name of names.filter((_, index) => index % 2 === 0)) expect(read('README.md')).toContain(name);
  expect([of.get('year'), of.get('url')]).toEqual(['2025', "'https://arxiv.org/abs/2406.10594'"]);
});
