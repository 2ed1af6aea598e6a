import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { expandPath } from '../../../src/platform/hub/expandPath.ts';

const home = '/home/me';
const expand = (path: string, env: Record<string, string> = {}): string => expandPath(path, 'HF_HOME', home, env);

const part = fc.string({ unit: fc.constantFrom('a', 'B', '/', '.', '-', 'ü', ' '), maxLength: 6 });
const name = fc.constantFrom('NAME', 'A', '_x1', 'toString', 'constructor', '__proto__', 'valueOf');
const env = fc.dictionary(name, fc.constantFrom('', '/data', '$A', '~'), { noNullPrototype: true });
/** What is written, and the name in it; a plain one ends where no letter follows. */
const reference = fc
  .tuple(name, fc.boolean())
  .map(([key, braced]) => ({ key, text: braced ? `\${${key}}` : `$${key}/` }));

describe('a folder in a variable', () => {
  test.prop([part])('without a mark in it stays as it is', (path) => {
    expect(expand(path)).toBe(path);
  });

  test.prop([fc.array(fc.oneof(part, reference)), env])(
    'has set names replaced once, and those that are not set left as they are',
    (parts, set) => {
      const path = parts.map((one) => (typeof one === 'string' ? one : one.text)).join('');
      const expected = parts.map((one) => {
        if (typeof one === 'string' || !Object.hasOwn(set, one.key)) return typeof one === 'string' ? one : one.text;
        return one.text.endsWith('/') ? `${set[one.key]}/` : set[one.key];
      });
      // The slash keeps a value of ~ away from the beginning.
      expect(expand(`/${path}`, set)).toBe(`/${expected.join('')}`);
    },
  );

  test.prop([part])('may begin with the home folder, also through a variable', (rest) => {
    expect(expand(`~/${rest}`)).toBe(`${home}/${rest}`);
    expect(expand(`~\\${rest}`)).toBe(`${home}\\${rest}`);
    expect(expand(`$AT/${rest}`, { AT: '~' })).toBe(`${home}/${rest}`);
    expect(expand('~')).toBe(home);
    expect(expand(`/x~/${rest}`)).toBe(`/x~/${rest}`);
  });

  test.prop([fc.stringMatching(/^[\w.-]{1,8}$/), part])("of another user's home is refused", (user, rest) => {
    expect(() => expand(`~${user}/${rest}`)).toThrow(UsageError);
    expect(() => expand(`~${user}`)).toThrow("HF_HOME: begins with '~' and a name. Write the folder out.");
  });

  it('keeps a mark that names nothing', () => {
    for (const path of ['$', 'a$', '$/x', '${}', '${a', '${a-b}', '$ü']) expect(expand(path, { a: 'no' })).toBe(path);
    expect(expand('$ab', { a: 'no', ab: 'yes' })).toBe('yes');
    expect(expand('${a}b', { a: 'yes', ab: 'no' })).toBe('yesb');
  });
});
