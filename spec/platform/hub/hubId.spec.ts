import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { parseHubId } from '../../../src/platform/hub/hubId.ts';

const part = fc.stringMatching(/^\w([\w.-]{0,20}\w)?$/).filter((text) => !/\.\.|--/.test(text));
const file = fc.stringMatching(/^\w[\w. -]{0,20}\.(gguf|GGUF)$/);

test.prop([part, part, fc.option(file)])('owner/name and owner/name/file.gguf are ids', (owner, name, gguf) => {
  const repo = `${owner}/${name}`;
  expect(parseHubId(gguf === null ? repo : `${repo}/${gguf}`)).toEqual({ repo, file: gguf });
});

const path = fc.oneof(
  fc.tuple(fc.constantFrom('.', '..', '/', '~', 'C:', '\\', '-', ''), part, part).map((parts) => parts.join('/')),
  fc.tuple(part, part, part).map((parts) => parts.join('\\')),
  fc.tuple(part, part, part).map(([a, b, c]) => `${a}/${b}/${c}/x.gguf`),
  fc
    .tuple(
      part,
      part,
      fc.constantFrom('/', '//', '/..', '/../x.gguf', '/x.bin', '/.x.gguf', '/..gguf', '\n', '/a\nb.gguf', ' '),
    )
    .map(([a, b, end]) => `${a}/${b}${end}`),
  part,
);

test.prop([path])('a path-like argument is not an id', (argument) => {
  expect(parseHubId(argument)).toBeNull();
});

test.prop([fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\w./\\:-]{0,40}$/))])(
  'whatever is an id is safe as a name in the cache, and no two ids share one',
  (argument) => {
    const id = parseHubId(argument);
    if (id === null) return;
    const folder = id.repo.replace('/', '--');
    expect(folder).toMatch(/^\w[\w.-]*$/);
    expect(folder).not.toContain('..');
    expect(folder.split('--').join('/')).toBe(id.repo);
    if (id.file !== null) expect(id.file).toMatch(/^[^./\\:][^/\\:]*$/);
  },
);
