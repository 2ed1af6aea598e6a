/** Where a search's results go by default: never to the same place for two runs. */
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultRunFolder, type NamedRun } from '../../src/cli/runFolder.ts';
import { pruneKinds } from '../../src/prune/candidates.ts';
import { inProcess } from './inProcess.ts';
import { PLANTED, TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-runs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const plain: NamedRun = {
  model: 'model',
  data: ['x.txt'],
  method: 'blockpruner',
  kind: 'mix',
  digest: '0123456789abcdef',
};
const of = (some: Partial<NamedRun>): string => defaultRunFolder({ ...plain, ...some });

describe('the name of a default folder', () => {
  const names = fc.stringMatching(/^[^/\0]{1,300}$/u);
  const digests = fc.stringMatching(/^[0-9a-f]{64}$/);

  test.prop([names, names, digests, fc.constantFrom(...pruneKinds)])(
    'is one name below runs/ that every file system takes',
    (model, data, digest, kind) => {
      const found = of({ model, data: [data], digest, kind, method: 'a'.repeat(40) });
      expect(dirname(found)).toBe('runs');
      expect(Buffer.byteLength(basename(found))).toBeLessThanOrEqual(255);
      expect(basename(found)).toMatch(/^[\p{L}\p{M}\p{N}_.-]*-[0-9a-f]{8}$/u);
    },
  );

  test.prop([digests, digests])('differs for two digests, whatever else is alike', (a, b) => {
    fc.pre(a.slice(0, 8) !== b.slice(0, 8));
    expect(of({ digest: a })).not.toBe(of({ digest: b }));
  });

  it.each<[Partial<NamedRun>, string]>([
    [{}, 'runs/model-x-01234567'],
    [{ model: 'owner/SmolLM2-135M', data: ['a/b/wiki.jsonl.gz'] }, 'runs/SmolLM2-135M-wiki-01234567'],
    [{ model: 'q4.gguf', data: ['a.csv.gz', 'b.txt', 'c.txt'] }, 'runs/q4-a-and-2-more-01234567'],
    [{ method: 'taylor', kind: 'layer' }, 'runs/model-x-taylor-layer-01234567'],
    [{ model: 'models/モデル', data: ['文章.txt'] }, 'runs/モデル-文章-01234567'],
    [{ model: 'a b:c' }, 'runs/a_b_c-x-01234567'],
  ])('of %j is readable', (some, expected) => {
    expect(of(some).replaceAll('\\', '/')).toBe(expected);
  });
});

/** A run into its default folder. */
async function pruned(...rest: string[]): Promise<{ stderr: string; out: string }> {
  const args = ['prune', 'model', '--data', 'text.txt', '--tokens', '256', '--chunk', '64', '--threads', '1', ...rest];
  const { code, stdout, stderr } = await inProcess(args, { cwd: folder });
  expect(`${rest.join(' ')}: ${code === 0 ? '' : stderr}`).toBe(`${rest.join(' ')}: `);
  return { stderr, out: dirname(/^report: (.*)$/m.exec(stdout)?.[1] ?? '') };
}

describe('the default folder of a run', () => {
  beforeAll(() => {
    cpSync(PLANTED, join(folder, 'model'), { recursive: true });
    cpSync(TEXT, join(folder, 'text.txt'));
    writeFileSync(join(folder, 'other.txt'), 'Another text. '.repeat(200));
  });

  it('is another for each run that gives another result, and nothing is asked for', async () => {
    const runs = [
      [],
      ['--stride', '32'],
      ['--bos', 'none', '--nll-sum', 'f32'],
      ['--convention', 'token-mean'],
      ['--sample', '3'],
      ['--sample', '3', '--seed', '1'],
      ['--kind', 'mlp'],
      ['--kind', 'layer'],
      ['--protect', 'L0'],
      ['--search', 'race'],
      ['--search', 'race', '--confidence', '0.9'],
      ['--method', 'random'],
      ['--method', 'random', '--seed', '1'],
      ['--method', 'reverse'],
      ['--repair', 'end'],
      ['--repair', 'end', '--repair-scope', 'cuts'],
      ['--repair', 'each', '--leaders', '1'],
      ['--eval', 'other.txt'],
      ['--eval', 'text.txt'],
    ];
    const folders: string[] = [];
    for (const run of runs) folders.push((await pruned('--blocks', '2', ...run)).out);
    expect(new Set(folders).size).toBe(runs.length);
    expect(readdirSync(join(folder, 'runs'))).toHaveLength(runs.length);
  }, 60_000);

  it('is found again by the same command, by one for more, and with a copy of the model', async () => {
    const { out } = await pruned('--blocks', '2', '--kind', 'mha');
    for (const rest of [
      ['--blocks', '2'],
      ['--blocks', '3'],
      ['--ratio', '0.2', '--memory', '1GB'],
    ]) {
      const again = await pruned('--kind', 'mha', ...rest);
      expect(again.out).toBe(out);
      expect(again.stderr).toContain('resuming from');
    }
    cpSync(join(folder, 'model'), join(folder, 'elsewhere/model'), { recursive: true });
    const args = [
      'prune',
      'elsewhere/model',
      '--data',
      'text.txt',
      '--tokens',
      '256',
      '--chunk',
      '64',
      '--kind',
      'mha',
    ];
    const { stdout } = await inProcess([...args, '--max-increase', '900'], { cwd: folder });
    expect(stdout).toContain(`report: ${out}`);
  });

  it('is another when the text behind the same name has changed', async () => {
    writeFileSync(join(folder, 'changing.txt'), 'One text. '.repeat(100));
    const args = [
      'prune',
      'model',
      '--data',
      'changing.txt',
      '--chunk',
      '64',
      '--tokens',
      '256',
      '--blocks',
      '1',
      '--quiet',
    ];
    const first = await inProcess(args, { cwd: folder });
    writeFileSync(join(folder, 'changing.txt'), 'Two texts. '.repeat(100));
    const second = await inProcess(args, { cwd: folder });
    expect([first.code, second.code, second.stderr]).toEqual([0, 0, '']);
    expect(second.stdout.slice(-40)).not.toBe(first.stdout.slice(-40));
  });
});
