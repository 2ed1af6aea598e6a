/** `verify`: a run that is as it was, and each way in which one is not. */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check } from '../../src/cli/verify/checks.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import type { Outcome } from './command.ts';
import { inProcess } from './inProcess.ts';
import { PLANTED, TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-verify-'));
afterAll(() => rmSync(folder, { recursive: true }));
const call = (...args: string[]): Promise<Outcome> => inProcess(args, { cwd: folder });
const SMALL = ['--data', 'text.txt', '--tokens', '256', '--chunk', '64', '--threads', '1', '--quiet'];

beforeAll(async () => {
  cpSync(PLANTED, join(folder, 'model'), { recursive: true });
  cpSync(TEXT, join(folder, 'text.txt'));
  const runs = [
    ['prune', 'model', ...SMALL, '--blocks', '2', '--out', 'pruned'],
    ['prune', 'model', ...SMALL, '--blocks', '2', '--kind', 'mlp', '--repair', 'end', '--out', 'mended'],
    ['repair', 'model', ...SMALL, '--run', 'pruned', '--out', 'repaired'],
  ];
  for (const words of runs) expect(await call(...words)).toMatchObject({ code: 0 });
}, 60_000);

let copies = 0;
/** A copy of a run beside it, so that paths in its run.json lead where they led. */
function copyOf(run: string): string {
  const copy = `${run}-${copies++}`;
  cpSync(join(folder, run), join(folder, copy), { recursive: true });
  return copy;
}
const edit = (path: string, change: (text: string) => string): void =>
  writeFileSync(join(folder, path), change(readFileSync(join(folder, path), 'utf8')));
const editResult = (run: string, change: (result: PruneResult) => void): void =>
  edit(`${run}/result.json`, (text) => {
    const result = JSON.parse(text) as PruneResult;
    change(result);
    return JSON.stringify(result);
  });

interface Verified extends Outcome {
  checks: readonly Check[];
  document: { ok: boolean; recorded: { ppl: number }; measured: { ppl: number } | null };
}

async function verify(run: string, ...rest: string[]): Promise<Verified> {
  const outcome = await call('verify', run, '--json', '--quiet', ...rest);
  const document = JSON.parse(outcome.stdout) as Verified['document'] & { checks: Check[] };
  return { ...outcome, document, checks: document.checks };
}
const named = (checks: readonly Check[], ok: boolean | null): string[] =>
  checks.filter((check) => check.ok === ok).map(({ name }) => name);

describe('a run as it was', () => {
  it.each([
    ['pruned', ['model', 'text', 'convention', 'journal', 'removed blocks', 'end']],
    ['mended', ['model', 'text', 'convention', 'journal', 'removed blocks', 'repair', 'end']],
    ['repaired', ['model', 'text', 'convention', 'journal', 'removed blocks', 'repair', 'end']],
  ])('%s passes every check, and measures the same to the last bit', async (run, names) => {
    const { code, checks, document, stderr } = await verify(run);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(named(checks, true)).toEqual(names);
    expect(checks).toHaveLength(names.length);
    expect(document).toMatchObject({ schema: 'blockpruner.verify/1', ok: true });
    expect(document.measured).toEqual(document.recorded);
    expect(checks.at(-1)?.text).toMatch(/to the last bit as in the run/);
  });

  it('says each check on a line of its own', async () => {
    const { code, stdout } = await call('verify', 'pruned', '--quiet');
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual(['model', 'text', 'convention', 'journal', 'removed blocks', 'end'].map((name) => `ok        ${name}`));
  });

  it('on another backend lies within the noise', async () => {
    const { code, checks } = await verify('pruned', '--backend', 'reference');
    expect(code).toBe(0);
    const end = checks.find(({ name }) => name === 'end');
    expect(end).toMatchObject({ ok: true });
    expect(end?.text).toMatch(/to the last bit|on another backend \(reference.*, where \S+ is noise/);
  });

  it('is found where model and text are given, without a run.json', async () => {
    const run = copyOf('pruned');
    rmSync(join(folder, run, 'run.json'));
    const given = ['--model', 'model', '--data', 'text.txt', '--tokens', '256'];
    expect(await verify(run, ...given)).toMatchObject({ code: 0 });
    const { code, stderr } = await call('verify', run);
    expect([code, stderr]).toEqual([
      2,
      `error: ${run}: does not say where its model is: it has no run.json. Give --model.\n`,
    ]);
    const textless = await call('verify', run, '--model', 'model');
    expect(textless.stderr).toContain('does not say where its text is: it has no run.json. Give --data.');
  });

  it('without a journal has nothing to check there', async () => {
    const run = copyOf('pruned');
    rmSync(join(folder, run, 'journal.jsonl'));
    const { code, checks } = await verify(run);
    expect(code).toBe(0);
    expect(checks.find(({ name }) => name === 'journal')?.text).toBe('there is none to check');
  });

  it('of a model that comes along knows its text', async () => {
    const out = ['--tokens', '256', '--chunk', '64', '--blocks', '1', '--out', 'tiny', '--quiet'];
    expect(await call('prune', 'tiny:planted', ...out)).toMatchObject({ code: 0 });
    expect(await verify('tiny')).toMatchObject({ code: 0 });
  });
});

/** What is done to a copy of a run, what fails then, and what is left out. */
const faults: readonly [string, string, (run: string) => void, string[], string[], RegExp][] = [
  [
    'a line of the journal',
    'pruned',
    (run) => edit(`${run}/journal.jsonl`, (text) => text.replace('"step":2', '"step":3')),
    ['journal'],
    [],
    /journal\.jsonl:\d+: does not fit its checksum/,
  ],
  [
    'a perplexity in result.json',
    'pruned',
    (run) => editResult(run, ({ steps }) => Object.assign(steps[1], { ppl: (steps[1].ppl ?? 0) * 0.9 })),
    ['journal', 'end'],
    [],
    /says that step 2 removed .*apart, on the same backend/s,
  ],
  [
    'the last bits of a perplexity, which a journal lets pass',
    'pruned',
    (run) => editResult(run, ({ steps }) => Object.assign(steps[1], { ppl: (steps[1].ppl ?? 0) * (1 + 2e-15) })),
    ['end'],
    [],
    /apart, on the same backend/,
  ],
  [
    'what a step removed',
    'pruned',
    (run) => editResult(run, (result) => Object.assign(result.steps[0], { removed: 'L0.mha' })),
    ['journal', 'removed blocks'],
    ['end'],
    /does not remove what .*result\.json says/,
  ],
  [
    'the list of what was removed',
    'pruned',
    (run) => editResult(run, (result) => Object.assign(result, { removed: ['L0.mha'] })),
    ['removed blocks'],
    ['end'],
    /is not what del_order_list\.json lists/,
  ],
  [
    'the order list',
    'pruned',
    (run) => edit(`${run}/del_order_list.json`, () => '{"1": [["mlp", 0]]}'),
    ['removed blocks'],
    ['end'],
    /does not remove what/,
  ],
  [
    'the hash of the text',
    'pruned',
    (run) => editResult(run, ({ data }) => Object.assign(data, { hash: 'f'.repeat(64) })),
    ['text', 'journal'],
    ['end'],
    /4 chunks of 64 tokens hash to .* Give the text by --data/,
  ],
  [
    'the convention',
    'pruned',
    (run) => editResult(run, ({ convention }) => Object.assign(convention, { nllSum: 'f32' })),
    ['convention'],
    ['end'],
    /is not the run's: other nllSum/,
  ],
  [
    'a fitted tensor',
    'mended',
    (run) => {
      const [file] = readdirSync(join(folder, run, 'repair'));
      const path = join(folder, run, 'repair', file);
      const bytes = readFileSync(path);
      bytes[bytes.length - 2] ^= 1;
      writeFileSync(path, bytes);
    },
    ['repair'],
    ['end'],
    /holds other values of .* than those that were fitted/,
  ],
];

describe('what was changed is found', () => {
  it.each(faults)('%s', async (_, from, damage, failing, left, words) => {
    const run = copyOf(from);
    damage(run);
    const { code, checks, document, stderr } = await verify(run);
    expect(code).toBe(1);
    expect(named(checks, false)).toEqual(failing);
    expect(named(checks, null)).toEqual(left);
    expect(checks.map(({ text }) => text).join('\n')).toMatch(words);
    expect(document.ok).toBe(false);
    const count = `${failing.length} of ${checks.length} checks failed: ${failing.join(', ')}.`;
    expect(stderr).toBe(`error: ${run}: ${count}\n`);
  });

  it('another model, of which nothing else is measured', async () => {
    cpSync(join(folder, 'model'), join(folder, 'other'), { recursive: true });
    const path = join(folder, 'other', 'model.safetensors');
    const bytes = readFileSync(path);
    bytes[bytes.length - 3] ^= 1;
    writeFileSync(path, bytes);
    const { code, checks } = await verify('pruned', '--model', 'other');
    expect(code).toBe(1);
    expect(named(checks, false)).toEqual(['model']);
    expect(named(checks, null)).toEqual(['removed blocks', 'end']);
  });

  it('another text', async () => {
    edit('text.txt', (text) => text);
    writeFileSync(join(folder, 'other.txt'), readFileSync(join(folder, 'text.txt'), 'utf8').replace('the', 'tha'));
    const { code, checks } = await verify('pruned', '--data', 'other.txt');
    expect(code).toBe(1);
    expect(named(checks, false)).toEqual(['text']);
  });
});

describe('a folder that cannot be verified is refused in one line', () => {
  it.each<[string, (run: string) => void, number, RegExp]>([
    [
      'without a result',
      (run) => rmSync(join(folder, run, 'result.json')),
      1,
      /has no result\.json and no repair\.json/,
    ],
    ['with a result that is no JSON', (run) => edit(`${run}/result.json`, () => '{'), 1, /is not valid JSON/],
    ['with another document', (run) => edit(`${run}/result.json`, () => '{}'), 1, /is no document of prune or repair/],
    [
      'with a result without figures',
      (run) => editResult(run, ({ steps }) => Object.assign(steps[1], { ppl: 'low' })),
      1,
      /result\.json: has no figures\. Run the command that wrote it again/,
    ],
    [
      'with a run.json of another command',
      (run) => edit(`${run}/run.json`, () => '{"command": "heal"}'),
      2,
      /run\.json: is of no run by prune or repair, but of 'heal'/,
    ],
    [
      'whose text is gone',
      (run) => edit(`${run}/run.json`, (text) => text.replace('text.txt', 'gone.txt')),
      1,
      /gone\.txt/,
    ],
  ])('%s', async (_, damage, expected, line) => {
    const run = copyOf('pruned');
    damage(run);
    const { code, stdout, stderr } = await call('verify', run, '--quiet');
    expect(code).toBe(expected);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(line);
    if (expected === 2) expect(stdout).toBe('');
  });

  it('that is not there', async () => {
    expect(await call('verify', 'none')).toMatchObject({ code: 1, stderr: 'error: none: no such file or folder.\n' });
  });
});
