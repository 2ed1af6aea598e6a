/** `tiny:planted`: models that come along, by name and with their text. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect, it } from 'vitest';
import { program } from '../../src/cli/program.ts';
import { modelArgument } from '../../src/cli/tinyModels.ts';
import { blockpruner, planted, text } from './command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'blockpruner-tiny-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the argument', () => {
  const folders = readdirSync(join(root, 'tiny-models'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'data')
    .map(({ name }) => name);

  it.each(folders)('tiny:%s is its folder', (name) => {
    expect(modelArgument(`tiny:${name}`)).toBe(join(root, 'tiny-models', name));
  });

  it('is understood by every command that takes a model', () => {
    const models = program().commands.flatMap(({ registeredArguments }) =>
      registeredArguments.filter((argument) => argument.name() === 'model'),
    );
    expect(models.length).toBeGreaterThan(4);
    expect(models.filter(({ parseArg }) => parseArg !== modelArgument)).toEqual([]);
  });

  test.prop([fc.oneof(fc.string(), fc.constantFrom(...folders, ...folders.map((name) => `./tiny:${name}`)))])(
    'stays what it is without the prefix',
    (argument) => {
      fc.pre(!argument.startsWith('tiny:'));
      expect(modelArgument(argument)).toBe(argument);
    },
  );
});

describe('the text', () => {
  const measure = async (...rest: string[]): Promise<{ document: unknown; stderr: string }> => {
    const { code, stdout, stderr } = await blockpruner(['perplexity', ...rest, '--json'], { cwd: folder });
    expect(code, stderr).toBe(0);
    // How long it took is not the same twice.
    return {
      document: { ...(JSON.parse(stdout) as object), seconds: null, provenance: null, decode: null, memory: null },
      stderr,
    };
  };

  it('comes along too, said so, and gives what the paths give', async () => {
    const byName = await measure('tiny:planted');
    const byPath = await measure(resolve(root, planted), '--data', resolve(root, text));
    expect(byName.document).toEqual(byPath.document);
    expect(byName.stderr).toContain('data: tiny.txt, which comes along');
    expect(byPath.stderr).not.toContain('comes along');
  });

  it('is not taken where --data names another', async () => {
    const { stderr } = await measure(
      'tiny:planted',
      '--data',
      resolve(root, 'tiny-models/data/shakespeare-valid.txt'),
      '--tokens',
      '512',
    );
    expect(stderr).not.toContain('tiny.txt');
  });

  it('of a folder that only looks like one is not', async () => {
    mkdirSync(join(folder, 'tiny:planted'));
    const { code, stderr } = await blockpruner(['perplexity', './tiny:planted'], { cwd: folder });
    expect([code, stderr]).toEqual([
      2,
      "error: required option '--data <file>' not specified (add --help for the options)\n",
    ]);
  });
});
