import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { DataError } from '../../src/errors.ts';
import { errorInLibraryWords, inLibraryWords } from '../../src/library/words.ts';

const src = fileURLToPath(new URL('../../src/', import.meta.url));

/** What npm calls its own. */
const foreign = new Set(['--omit']);

/**
 * Flags in the texts of the engine, by the file they are in. Those of the commands that a report
 * names are meant as such.
 */
const flags = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .filter(
    (file) =>
      !/^(?:cli|library|web\/bundle|backends\/simd\/assembly)\/|style\.ts$|nextSection\.ts$|nodeVectors/.test(file),
  )
  .flatMap((file) => {
    const code = readFileSync(src + file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    return [...code.matchAll(/(?<=['`"][^'`"\n]*)--[a-z]+(?:-[a-z]+)*/g)].map(([flag]) => ({ file, flag }));
  });

it('finds flags in the engine’s texts at all', () => expect(flags.length).toBeGreaterThan(15));

it('each of them has a name in the library, or is another program’s', () => {
  const untold = flags.filter(({ flag }) => inLibraryWords(flag).startsWith('--') !== foreign.has(flag));
  expect(untold).toEqual([]);
});

const told = flags.map(({ flag }) => flag).filter((flag) => !foreign.has(flag));
/** Words that are no flag, some of which look like one. */
const someWord = fc.constantFrom('none', 'a', '1', '2.5', '--', '-k', '--omit', "'x'", '=', 'MiB', '--9', '…');

test.prop([fc.array(fc.tuple(someWord, fc.constantFrom(...told), someWord), { minLength: 1, maxLength: 4 })])(
  'a message of several parts keeps no flag, and keeps all other words',
  (parts) => {
    const message = parts.map((part) => part.join(' ')).join('; ');
    const library = inLibraryWords(message);
    for (const flag of told) expect(library).not.toMatch(new RegExp(`${flag}(?![a-z-])`));
    expect(inLibraryWords(library)).toBe(library);
    for (const [before] of parts) expect(library).toContain(before);
    // Told part by part it is the same message.
    expect(library).toBe(parts.map((part) => inLibraryWords(part.join(' '))).join('; '));
  },
);

it.each([
  ['Raise --memory to 12MB or more, or lower --chunk.', 'Raise memoryBytes to 12MB or more, or lower chunk.'],
  ['Give --blocks, --ratio, --max-ppl or --max-increase.', 'Give blocks, ratio, maxPpl or maxIncrease.'],
  ['Use --bos none.', "Use bos: 'none'."],
  ['Use --threads 1.', 'Use threads: 1.'],
  ['--top-k 1.5 is not a whole number', 'topK 1.5 is not a whole number'],
  ['Use another --out; that run is kept.', 'Use another journal; that run is kept.'],
  ['For a model of the hub add --hub.', 'For a model of the hub add hub: true.'],
  ['npm install gpu.js --omit=optional', 'npm install gpu.js --omit=optional'],
  ['--plus leaves none', 'settings.plus leaves none'],
  ['Give --ratio-of total.', 'Give ratioOf total.'],
  ['a -- b --- c', 'a -- b --- c'],
])('%s', (engine, library) => expect(inLibraryWords(engine)).toBe(library));

it('an error stays the same error, of the same class and with the same stack', () => {
  const error = new DataError('too short.', { where: '--data', remedy: 'Lower --chunk.' });
  const { stack } = error;
  expect(errorInLibraryWords(error)).toBe(error);
  expect(error).toMatchObject({
    message: 'data: too short. Lower chunk.',
    where: 'data',
    remedy: 'Lower chunk.',
    stack,
  });
  const bug = new TypeError('--memory');
  expect(errorInLibraryWords(bug)).toBe(bug);
  expect(bug.message).toBe('--memory');
});
