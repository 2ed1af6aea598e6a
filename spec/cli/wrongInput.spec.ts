/**
 * Wrong input as a user would give it: one clear line on stderr, nothing on stdout, exit code 1 or
 * 2, and every file as it was. To add a case, add a row to the file of its area in cases/.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { configCases } from './cases/config.ts';
import { dataCases } from './cases/data.ts';
import { methodCases } from './cases/methods.ts';
import { modelCases } from './cases/model.ts';
import { openingCases } from './cases/opening.ts';
import { optionCases } from './cases/options.ts';
import { outputCases } from './cases/outputs.ts';
import { rangeCases } from './cases/ranges.ts';
import { repairCases } from './cases/repair.ts';
import { tokenizerCases } from './cases/tokenizer.ts';
import { trainingCases } from './cases/training.ts';
import { blockpruner, type Outcome } from './command.ts';
import { inProcess } from './inProcess.ts';
import { filesOf } from './scratch.ts';
import { PLANTED, TEXT, type WrongInput } from './wrongInput.ts';

const areas: Readonly<Record<string, readonly WrongInput[]>> = {
  model: modelCases,
  opening: openingCases,
  data: dataCases,
  options: optionCases,
  ranges: rangeCases,
  config: configCases,
  outputs: outputCases,
  methods: methodCases,
  tokenizer: tokenizerCases,
  training: trainingCases,
  repair: repairCases,
};

const scratch = mkdtempSync(join(tmpdir(), 'blockpruner-wrong-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const inputs = (): Map<string, string> => new Map([...filesOf(PLANTED), ...filesOf(dirname(TEXT))]);
const inputsBefore = inputs();

async function folderFor({ files = {}, setup }: WrongInput): Promise<string> {
  const folder = mkdtempSync(join(scratch, 'case-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  await setup?.(folder);
  return folder;
}

/** What a good command says before it computes is no part of the error. */
function errorLines(stderr: string): string[] {
  return stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !/^(?:backend:|warning:) /.test(line));
}

function expectRefusal(outcome: Outcome, { code, line }: WrongInput): void {
  const lines = errorLines(outcome.stderr);
  expect(lines, outcome.stderr).toHaveLength(1);
  expect(lines[0]).toMatch(/^error: /);
  expect(lines[0]).toMatch(line);
  expect(lines[0]).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
  expect(outcome.stdout).toBe('');
  expect(outcome.code).toBe(code);
}

describe.each(Object.entries(areas))('wrong input: %s', (_, cases) => {
  it.each(cases.map((row) => [row.what, row] as const))('%s', async (_what, row) => {
    const folder = await folderFor(row);
    const before = filesOf(scratch);
    const run = row.alone === true ? blockpruner : inProcess;
    expectRefusal(await run(row.args, { cwd: folder, env: row.env }), row);
    expect(filesOf(scratch)).toEqual(before);
    rmSync(folder, { recursive: true });
  });

  it('is refused alike by a process of its own', async () => {
    const [row] = cases;
    const folder = await folderFor(row);
    const before = filesOf(scratch);
    expectRefusal(await blockpruner(row.args, { cwd: folder, env: row.env }), row);
    expect(filesOf(scratch)).toEqual(before);
  });

  it('leaves the models and texts of the repository as they were', () => {
    expect(inputs()).toEqual(inputsBefore);
  });
});

it('--debug shows the stack', async () => {
  const { code, stderr } = await inProcess(['inspect', 'no/such/folder/anywhere', '--debug'], { cwd: scratch });
  expect(stderr).toMatch(/\n\s+at /);
  expect(code).toBe(1);
});
