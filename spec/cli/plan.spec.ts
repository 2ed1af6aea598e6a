/** `prune --plan`, the line before a long run, and how much of a text is taken. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isLong, planLine, planText, resumedLine, timeWords } from '../../src/cli/planText.ts';
import { fewChunksWarning } from '../../src/cli/prunePlan.ts';
import type { RunPlan } from '../../src/prune/cost/planTypes.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { inProcess } from './inProcess.ts';
import { PLANTED, prune } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-plan-'));
afterAll(() => rmSync(folder, { recursive: true }));

const plan: RunPlan = {
  tokens: 8192,
  chunk: 2048,
  chunks: 4,
  candidates: 60,
  steps: { least: 12, most: 12 },
  byStep: Array.from({ length: 12 }, (_, at) => ({
    step: at + 1,
    candidates: 60 - at,
    passes: 1830 * 8192,
    flops: 1e13,
    seconds: 40 - at,
  })),
  work: { done: 1e8, exact: 1.8e8, naive: 3.5e8 },
  flops: 1.2e14,
  seconds: { firstStep: 40, scoring: 0, search: 414, evaluation: 0, sample: 6, total: 420, span: null },
  race: { least: 100, most: 500 },
  atMost: false,
  memory: { weights: 5e8, activations: 5e8, kept: 3e8, total: 1.3e9 },
  leftOut: [],
  measured: 2,
};

describe('a plan in words', () => {
  it('is one line before a long run', () => {
    expect(planLine(plan)).toBe(
      '60 candidates, 12 steps: about 40 s for the first step, 7 min for all; memory about 1.2 GB (--plan says more)',
    );
    const one = { ...plan, steps: { least: 1, most: 1 }, byStep: plan.byStep.slice(0, 1) };
    expect(planLine(one)).toContain('60 candidates, 1 step: about 7 min for all');
    expect(planLine({ ...plan, steps: { least: 9, most: 20 } })).toContain('9 to 20 steps');
    const bounded = { ...plan, atMost: true, steps: { least: 1, most: 60 } };
    expect(planLine(bounded)).toContain('at most 60 steps: about 40 s for the first step, at most 7 min for all');
    const race = { ...plan, seconds: { ...plan.seconds, span: { least: 90, most: 300 } } };
    expect(planLine(race)).toContain('90 s to 5 min for all');
    expect(planLine({ ...plan, leftOut: ['the repair of the result'] })).toContain(
      '(without the repair of the result)',
    );
  });

  it('says of a run that goes on what is left of it, and nothing of one that is done', () => {
    expect(resumedLine(plan, 11)).toBe('resuming: 11 of 12 steps are in the journal, about 35 s left');
    expect(resumedLine(plan, 12)).toBe(null);
    const bounded = { ...plan, atMost: true, steps: { least: 1, most: 12 } };
    expect(resumedLine(bounded, 11)).toBe('resuming: 11 of at most 12 steps are in the journal, at most 35 s left');
    const beyond = { ...plan, steps: { least: 1, most: 60 } };
    expect(resumedLine(beyond, 13)).toBe('resuming: 13 of 60 steps are in the journal, about 6 s left');
  });

  it('announces only what takes more than some seconds', () => {
    const short = { ...plan, seconds: { ...plan.seconds, total: 9.9 } };
    expect(isLong(plan)).toBe(true);
    expect(isLong(short)).toBe(false);
    expect(isLong({ ...short, seconds: { ...short.seconds, span: { least: 1, most: 11 } } })).toBe(true);
  });

  it('is whole with --plan', () => {
    const smaller = [
      { tokens: 4096, seconds: 200, race: { least: 60, most: 220 } },
      { tokens: 2048, seconds: 100, race: null },
    ];
    const text = planText(plan, smaller, 'wiki.txt, not all of it');
    expect(text).toContain('text: wiki.txt, not all of it: 8,192 tokens in 4 chunks of 2,048');
    expect(text).toContain('search: 60 candidates in the first step, 12 steps');
    expect(text).toContain('time: about 40 s for the first step, 7 min for the whole run (search 6.9 min, sample 6 s)');
    expect(text).toContain('with --search race: 1.7 min to 8.3 min');
    expect(text.split('\n').filter((line) => /^ +\d+ +\d+ /.test(line))).toHaveLength(5);
    expect(text).toMatch(
      /\n +8,192 +7 min +1\.7 min to 8\.3 min\n +4,096 +3\.3 min +60 s to 3\.7 min\n +2,048 +1\.7 min\n/,
    );
    expect(text).not.toContain('not counted');
    expect(planText({ ...plan, leftOut: ['a', 'b'], race: null }, [], 'x')).toContain('not counted: a, b');
  });

  it.each([
    [0.001, '0.1 s'],
    [0.44, '0.4 s'],
    [4, '4 s'],
    [75.4, '75 s'],
    [150, '2.5 min'],
    [1234, '21 min'],
    [9000, '2.5 h'],
    [86_000, '24 h'],
    [300_000, '3.5 days'],
  ])('writes %d seconds as %s', (seconds, words) => {
    expect(timeWords(seconds)).toBe(words);
  });
});

it('warns where an error cannot be told', () => {
  const warning = (chunks: number): string | null =>
    fewChunksWarning({ ids: Array.from({ length: chunks }, () => new Int32Array(2)) });
  expect(warning(1)).toBe(
    'one chunk only, so no error can be stated and the choice is unreliable; give more text or a lower --chunk',
  );
  expect(warning(2)).toMatch(/^2 chunks only, so no error/);
  expect(warning(3)).toBe(null);
});

const small = ['--chunk', '32', '--blocks', '2', '--backend', 'simd'];

describe('prune --plan', () => {
  it('says what the run would take, and writes nothing', async () => {
    const { code, stdout, stderr } = await inProcess(prune('--tokens', '256', ...small, '--plan'), { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('256 tokens in 8 chunks of 32');
    expect(stdout).toContain('search: 12 candidates in the first step, 2 steps');
    expect(stdout).toMatch(/with --search race: /);
    expect(stdout).toMatch(/\n +128 +[\d.]+ s/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('has it all as JSON', async () => {
    const args = prune('--tokens', '256', ...small, '--plan', '--json', '--quiet');
    const { code, stdout, stderr } = await inProcess(args, { cwd: folder });
    expect(code, stderr).toBe(0);
    const document = JSON.parse(stdout) as RunPlan & { schema: string; smaller: { tokens: number }[] };
    expect(document).toMatchObject({ schema: 'blockpruner-plan/1', tokens: 256, chunks: 8, candidates: 12 });
    expect(document.smaller.map(({ tokens }) => tokens)).toEqual([128, 64, 32]);
    expect(document.byStep).toHaveLength(2);
  });

  it('leaves an --out that is there as it is', async () => {
    mkdirSync(join(folder, 'mine'));
    writeFileSync(join(folder, 'mine', 'result.json'), 'my own');
    const { code } = await inProcess(prune('--tokens', '64', ...small, '--plan', '--out', 'mine'), { cwd: folder });
    expect(code).toBe(0);
    expect(readdirSync(join(folder, 'mine'))).toEqual(['result.json']);
    rmSync(join(folder, 'mine'), { recursive: true });
  });

  it.each([
    [['--tokens', '0'], /--tokens <n>' argument '0' is invalid\. Give a whole number from 2 to \d+, or all\./],
    [['--tokens', 'most'], /'most' is invalid\. Give a whole number from 2 to \d+, or all\./],
    [['--tokens', '64', '--blocks', '99'], /the model has 12 blocks to remove/],
    [['--tokens', '16'], /16 tokens/],
  ])('with %j is refused in one line', async (words, line) => {
    const args = ['prune', PLANTED, '--data', 'text.txt', '--chunk', '32', '--backend', 'simd', '--plan'];
    writeFileSync(join(folder, 'text.txt'), 'Some words to measure on. '.repeat(20));
    const blocks = words.includes('--blocks') ? [] : ['--blocks', '1'];
    const { code, stdout, stderr } = await inProcess([...args, ...blocks, ...words], { cwd: folder });
    expect(code).toBeGreaterThan(0);
    expect(stdout).toBe('');
    expect(stderr).toMatch(line);
    rmSync(join(folder, 'text.txt'));
  });
});

describe('a text without --tokens', () => {
  const long = join(folder, 'long.json');
  const count = 40_000;
  const reversed = ['--chunk', '250', '--method', 'reverse', '--blocks', '1', '--backend', 'simd'];
  const onIds = (out: string, ...more: string[]): string[] => {
    return ['prune', PLANTED, '--data', long, ...reversed, '--out', out, ...more];
  };
  const tokensOf = (out: string): number =>
    (JSON.parse(readFileSync(join(folder, out, 'result.json'), 'utf8')) as PruneResult).data.chunks * 250;

  it('is taken up to the default, which is said; --tokens all takes all of it', async () => {
    writeFileSync(long, JSON.stringify(Array.from({ length: count }, (_, at) => (at * 7) % 250)));
    const cut = await inProcess(onIds('cut'), { cwd: folder });
    expect(cut.code, cut.stderr).toBe(0);
    expect(cut.stderr).toContain('no --tokens: the first 32,768 tokens of long.json are used, as many as in the paper');
    expect(tokensOf('cut')).toBe(32_750);
    const whole = await inProcess(onIds('whole', '--tokens', 'all'), { cwd: folder });
    expect(whole.code, whole.stderr).toBe(0);
    expect(whole.stderr).not.toContain('no --tokens');
    expect(tokensOf('whole')).toBe(40_000);
  });

  it('does not go on with a run over the whole of it, and says how that goes on', async () => {
    const { code, stderr } = await inProcess(onIds('whole'), { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(/belongs to a run with other tokens; this one takes the first 32,768.*add --tokens all/);
    const again = await inProcess(onIds('whole', '--tokens', 'all'), { cwd: folder });
    expect(again.code, again.stderr).toBe(0);
    expect(existsSync(join(folder, 'whole', 'report.html'))).toBe(true);
  });

  it('that is shorter is taken whole, without a word', async () => {
    writeFileSync(long, JSON.stringify(Array.from({ length: 1000 }, (_, at) => at % 250)));
    const { code, stderr } = await inProcess(onIds('short'), { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain('--tokens');
    expect(tokensOf('short')).toBe(1000);
  });
});
