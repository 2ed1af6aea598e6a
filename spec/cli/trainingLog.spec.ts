import { readFileSync, writeFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TrainingLog, type LogLine } from '../../src/cli/trainingLog.ts';
import { FormatError } from '../../src/errors.ts';
import { withFolder } from '../hub/withHub.ts';

const STEPS = 4;
const lines: readonly LogLine[] = Array.from({ length: STEPS }, (_, index): LogLine[] => [
  { type: 'step', step: index + 1, loss: 1 / (index + 1), lr: 0.1, gradientNorm: 2, tokens: 8, seconds: 0.5 },
  { type: 'measured', step: index + 1, figures: { loss: 2, accuracy: NaN } },
]).flat();
/** JSON has no NaN. */
const kept = JSON.parse(JSON.stringify(lines)) as LogLine[];
const silent = (text: string): void => expect.unreachable(text);

/** A log of four steps, and its lines. */
async function written(path: string, identity = 'run'): Promise<string[]> {
  const log = await TrainingLog.open(path, 0, identity, silent);
  for (const line of lines) log.add(line);
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

async function reopened(path: string, text: string, step = STEPS): Promise<{ log: TrainingLog; warnings: string[] }> {
  const warnings: string[] = [];
  await writeFile(path, text);
  return { log: await TrainingLog.open(path, step, 'run', (warning) => warnings.push(warning)), warnings };
}

const joined = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

describe('a training log', () => {
  it('opened again, holds what was added up to the steps that are done, and goes on', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'log.jsonl');
      const text = joined(await written(path));
      for (let step = 1; step <= STEPS; step++) {
        const { log, warnings } = await reopened(path, text, step);
        expect([log.lines, warnings]).toEqual([kept.slice(0, 2 * step), []]);
        for (const line of lines.slice(2 * step)) log.add(line);
        expect(readFileSync(path, 'utf8')).toBe(text);
      }
      expect((await TrainingLog.open(path, 0, 'run', silent)).lines).toEqual([]);
      expect(readFileSync(path, 'utf8')).toBe('');
    });
  });

  it('drops a torn line, and says where steps are missing', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'log.jsonl');
      const all = await written(path);
      const torn = await reopened(path, joined(all) + all[0].slice(0, 20));
      expect([torn.log.lines, torn.warnings]).toEqual([kept, []]);
      const short = await reopened(path, joined(all.slice(0, 5)) + all[5].slice(0, 9));
      expect(short.log.lines).toEqual(kept.slice(0, 5));
      expect(short.warnings).toEqual([
        `${path}: has 3 of the 4 steps done; tokens, seconds and the loss curve leave the others out.`,
      ]);
      await rm(path);
      const warnings: string[] = [];
      await TrainingLog.open(path, STEPS, 'run', (text) => warnings.push(text));
      expect(warnings).toEqual([expect.stringContaining('has 0 of the 4 steps done')]);
    });
  });

  it('of another run, or with a line damaged, moved or left out, is refused and left as it is', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'log.jsonl');
      const other = await written(path, 'another');
      const all = await written(path);
      const cases: [string[], number][] = [
        [other, 1],
        [all.with(2, other[2]), 3],
        [all.with(1, all[1].replace('"loss":2', '"loss":3')), 2],
        [all.with(0, all[0].replace('"step":1', '"step":9')), 1],
        [all.toSpliced(4, 1), 5],
        [all.with(4, all[5]).with(5, all[4]), 5],
        [[...all, all[7]], 9],
        [all.with(3, all[3].replace(/,"sum":"\w+"/, '')), 4],
      ];
      for (const [damaged, line] of cases) {
        writeFileSync(path, joined(damaged));
        const opening = TrainingLog.open(path, STEPS, 'run', silent);
        await expect(opening).rejects.toThrow(FormatError);
        await expect(opening).rejects.toThrow(`${path}:${line}: does not fit the run or the line before`);
        expect(readFileSync(path, 'utf8')).toBe(joined(damaged));
      }
    });
  });

  it('of version 0.1 is taken, and said to be unchecked', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'log.jsonl');
      const old = kept.map((line) => JSON.stringify(line));
      const { log, warnings } = await reopened(path, joined(old));
      expect(log.lines).toEqual(kept);
      expect(warnings).toEqual([expect.stringMatching(/version 0\.1, whose lines carry no checksums/)]);
      await expect(reopened(path, joined(old.with(3, '{')))).rejects.toThrow(`${path}:4: does not fit`);
    });
  });
});
