/** What a document says of how it was made. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { originOf, shortPath } from '../../src/cli/origin.ts';
import { documentName } from '../../src/prune/documentName.ts';
import type { Origin } from '../../src/prune/provenance.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { planted, text } from './command.ts';
import { inProcess } from './inProcess.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-private-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A call of a command with any words. */
async function called(words: readonly string[]): Promise<Origin> {
  let origin: Origin | null = null;
  const root = new Command('blockpruner');
  root
    .command('prune')
    .argument('<model>')
    .option('--data <file>')
    .option('--blocks <k>', 'how many', Number, 3)
    .option('--unsaid <x>')
    .action((_model, _options, command: Command) => {
      origin = originOf(command);
    });
  await root.parseAsync(words, { from: 'user' });
  if (origin === null) throw new Error('the action did not run');
  return origin;
}

describe('the command line in a document', () => {
  // No word that commander would read as an option, and none that is a path from the root.
  const word = fc.string({ unit: 'grapheme', maxLength: 12 }).map((part) => `x${part.replaceAll('\0', '')}`);

  test.prop([fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 8 })], { numRuns: 20 })(
    'is what a shell reads back as the same words',
    async (pairs) => {
      for (const [model, data] of pairs) {
        const { command = '' } = await called(['prune', model, '--data', data]);
        const show = 'blockpruner() { printf "%s\\0" "$@"; }';
        const read = execFileSync('/bin/sh', ['-c', `${show}\n${command}`], { encoding: 'utf8' });
        expect(read.split('\0').slice(0, -1)).toEqual(['prune', model, '--data', data]);
      }
    },
  );

  it('is plain where it needs no quotes', async () => {
    const { command } = await called(['prune', 'owner/model', '--data=a b.txt', '--blocks', '2']);
    expect(command).toBe("blockpruner prune owner/model '--data=a b.txt' --blocks 2");
  });

  it('has all settings, those that were not given too', async () => {
    const { settings } = await called(['prune', 'm', '--data', resolve('a/b.txt')]);
    expect(settings).toEqual({ model: 'm', data: join('a', 'b.txt'), blocks: 3 });
  });

  it.each([
    ['relative', 'models/m.gguf', 'models/m.gguf'],
    ['below the working folder', resolve('models/m.gguf'), join('models', 'm.gguf')],
    ['the working folder', resolve('.'), '.'],
    ['elsewhere', '/home/somebody/secret/m.gguf', 'm.gguf'],
    ['a folder elsewhere', '/home/somebody/secret/model/', 'model/'],
    ['above the working folder', resolve('..'), resolve('..').split('/').at(-1)],
    ['of Windows', String.raw`C:\Users\somebody\m.gguf`, 'm.gguf'],
    ['no path', 'L5.mlp,L4.mha', 'L5.mlp,L4.mha'],
    ['a separator of texts', '/', '/'],
  ])('cuts a path down: %s', (_, path, short) => {
    expect(shortPath(path)).toBe(short);
  });

  test.prop([fc.array(fc.stringMatching(/^[\w .-]{1,9}$/), { minLength: 1, maxLength: 5 })])(
    'never names a folder from the root',
    (names) => {
      const short = shortPath(`/${folder.slice(1)}/${names.join('/')}`);
      expect(short).not.toContain('blockpruner-private');
      expect(short.startsWith('/')).toBe(false);
    },
  );
});

describe('the name of a model in documents', () => {
  it.each([
    ['/home/somebody/models/smol', 'smol'],
    ['/home/somebody/models/smol/', 'smol'],
    ['models/smol.gguf', 'smol.gguf'],
    [String.raw`C:\Users\somebody\smol.gguf`, 'smol.gguf'],
    ['smol', 'smol'],
    ['owner/name@0123abc', 'owner/name@0123abc'],
    ['owner/name/file.gguf@0123abc', 'owner/name/file.gguf@0123abc'],
    ['/home/somebody/name@0123abc', 'name@0123abc'],
    ['/', '/'],
  ])('of %s is %s', (name, short) => {
    expect(documentName(name)).toBe(short);
  });
});

describe('a run of prune', () => {
  it('leaves no path of the user in what it writes, and says when, where and how', async () => {
    const model = join(folder, 'model');
    mkdirSync(model);
    for (const name of ['config.json', 'tokenizer.json', 'model.safetensors']) {
      copyFileSync(join(planted, name), join(model, name));
    }
    copyFileSync(text, join(folder, 'mine.txt'));
    const out = join(folder, 'out');
    const data = ['--data', join(folder, 'mine.txt'), '--tokens', '256', '--chunk', '64'];
    const before = Date.now();
    const { code, stderr } = await inProcess(['prune', model, ...data, '--blocks=1', `--out=${out}`], {
      cwd: tmpdir(),
    });
    expect(code, stderr).toBe(0);
    for (const name of ['result.json', 'report.html', 'journal.jsonl', 'del_order_list.json']) {
      expect(readFileSync(join(out, name), 'utf8'), name).not.toContain(folder);
    }
    const { provenance } = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as PruneResult;
    const below = folder.split('/').at(-1) ?? '';
    expect(provenance?.command).toBe(
      `blockpruner prune ${below}/model --data ${below}/mine.txt --tokens 256 --chunk 64 --blocks=1 --out=${below}/out`,
    );
    expect(provenance?.settings).toMatchObject({ blocks: 1, kind: 'mix', search: 'exact', model: `${below}/model` });
    expect(provenance?.dtypes).toEqual(['F16']);
    expect(provenance?.runtime).toBe(`Node ${process.versions.node}`);
    expect(provenance?.machine.cores).toBeGreaterThan(0);
    expect(Date.parse(provenance?.date ?? '')).toBeGreaterThanOrEqual(before);
  });
});
