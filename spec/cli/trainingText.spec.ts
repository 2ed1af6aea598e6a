/** The text that healing trains on, to its last token. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Terminal } from '../../src/cli/terminal.ts';
import { trainingText } from '../../src/cli/trainingText.ts';
import { openModel, type OpenedModel } from '../../src/formats/openModel.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { windowBatches } from '../../src/train/batch.ts';
import type { HealText } from '../../src/train/healText.ts';
import { PLANTED } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-text-'));
let opened: OpenedModel;
beforeAll(async () => {
  opened = await openModel(PLANTED);
});
afterAll(async () => {
  await opened.close();
  rmSync(folder, { recursive: true });
});

/** A text of so many ids, 0, 1, 2 … */
function textOf(length: number): Promise<HealText> {
  const data = join(folder, `${length}.json`);
  writeFileSync(data, JSON.stringify(Array.from({ length }, (_, id) => id)));
  return trainingText(
    { data: [data], field: 'text', join: '\n', seqLen: 32 },
    opened,
    new Terminal({ quiet: true, json: false }),
  );
}

it('of 33 tokens gives one window of 32 inputs and their 32 targets, and 32 tokens give none', async () => {
  const { stream } = await textOf(33);
  const draw = windowBatches(stream, 1, 32, seededRng(1));
  for (let step = 0; step < 4; step++) {
    const { inputs, targets } = draw(step, 0);
    expect([...inputs]).toEqual(Array.from({ length: 32 }, (_, id) => id));
    expect([...targets]).toEqual(Array.from({ length: 32 }, (_, id) => id + 1));
  }
  await expect(textOf(32)).rejects.toThrow('32 tokens are fewer than a training sequence of 32 and the token after it');
});

it.each([34, 63, 64, 65, 70, 95])('of %d tokens is learned to its last one', async (length) => {
  const { stream } = await textOf(length);
  const draw = windowBatches(stream, 1, 32, seededRng(1));
  const lasts = Array.from({ length: 2000 }, (_, step) => draw(step, 0).targets[31]);
  expect(Math.max(...lasts)).toBe(length - 1);
  expect(new Set(lasts).size).toBe(length - 32);
});

it('is another text where only the last token is another', async () => {
  expect((await textOf(69)).hash).not.toBe((await textOf(70)).hash);
});
