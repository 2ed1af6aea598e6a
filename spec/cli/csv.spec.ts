/** `--csv`: a table that any reader of RFC 4180 takes, with the figures of `--json`. */
import { fc, test } from '@fast-check/vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { csv } from '../../src/cli/csv.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { inProcess } from './inProcess.ts';
import { PLANTED, TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-csv-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Reads CSV as RFC 4180 defines it, letter by letter. @throws for a text that is not CSV. */
function read(text: string): string[][] {
  const rows: string[][] = [[]];
  let at = 0;
  const fail = (): never => {
    throw new Error(`no CSV at ${at}`);
  };
  while (at < text.length) {
    let cell = '';
    if (text[at] === '"') {
      for (at++; ; at++) {
        if (at >= text.length) fail();
        if (text[at] !== '"') cell += text[at];
        else if (text[at + 1] === '"') cell += text[at++];
        else break;
      }
      at++;
    } else {
      for (; at < text.length && !',\r\n"'.includes(text[at]); at++) cell += text[at];
    }
    rows[rows.length - 1].push(cell);
    if (text[at] === ',') at++;
    else if (text.startsWith('\r\n', at)) {
      at += 2;
      if (at < text.length) rows.push([]);
    } else fail();
    // A comma at the very end of a record opens one more field, which is empty.
    if (text[at - 1] === ',' && text.startsWith('\r\n', at)) rows[rows.length - 1].push('');
    if (text[at - 1] === ',' && text.startsWith('\r\n', at)) {
      at += 2;
      if (at < text.length) rows.push([]);
    }
  }
  return rows;
}

describe('csv', () => {
  const cell = fc.oneof(
    fc.string(),
    fc.constantFrom('', ',', '"', '\r\n', '\n', 'a,"b"\r\nc', ' x '),
    fc.string({ unit: 'grapheme' }),
  );
  const table = fc
    .integer({ min: 1, max: 5 })
    .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }));

  test.prop([table])('is read as it was written', ([header, ...rows]) => {
    fc.pre(header.length > 1);
    expect(read(csv(header, rows))).toEqual([header, ...rows]);
  });

  test.prop([fc.double()])('keeps all digits of a number', (value) => {
    const [, [, cell_]] = read(csv(['a', 'b'], [['', value]]));
    expect(Number(cell_)).toBe(value === 0 ? 0 : value);
  });

  it('leaves a cell without a value empty', () => {
    expect(csv(['a', 'b', 'c'], [[null, undefined, 0]])).toBe('a,b,c\r\n,,0\r\n');
  });
});

/** Rows by the names of their columns; everything else on stdout would break it. */
function rowsOf(stdout: string): Record<string, string>[] {
  const [header, ...rows] = read(stdout);
  return rows.map((row) => {
    expect(row).toHaveLength(header.length);
    return Object.fromEntries(header.map((name, index) => [name, row[index]]));
  });
}

const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));

describe('prune --csv', () => {
  const header =
    'step,removed,ppl,status,standardError,bitsPerByte,changePercent,changePercentError,ratioTotal,ratioBlocks,ratioDepth,' +
    'runnerUp,runnerUpPpl,evalPpl,evalChangePercent,evalChangePercentError,repairedPpl';

  it.each([
    ['mix', []],
    ['layer', ['--eval', TEXT]],
    ['mha', ['--repair', 'each', '--leaders', '1']],
  ] as const)('prints the steps of a run of kind %s, and nothing else', async (kind, rest) => {
    const args = [
      'prune',
      PLANTED,
      '--data',
      TEXT,
      '--tokens',
      '512',
      '--blocks',
      '2',
      '--kind',
      kind,
      ...rest,
      '--out',
      kind,
    ];
    const { code, stdout, stderr } = await inProcess([...args, '--csv'], { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(stdout.split('\r\n')[0]).toBe(header);
    const result = JSON.parse((await inProcess([...args, '--json'], { cwd: folder })).stdout) as PruneResult;
    const [dense, ...steps] = rowsOf(stdout);
    expect(dense).toMatchObject({
      step: '0',
      removed: '',
      ppl: text(result.dense.ppl),
      changePercent: '0',
      ratioTotal: '0',
    });
    expect(dense.evalPpl).toBe(text(result.evaluation?.dense.ppl));
    expect(steps).toHaveLength(result.steps.length);
    for (const [index, row] of steps.entries()) {
      const step = result.steps[index];
      const { ppl, standardError, bitsPerByte, change, ratios, runnerUp, evaluation, repair } = step;
      expect(row).toEqual({
        step: text(step.step),
        removed: text(step.removed),
        ppl: text(ppl),
        status: '',
        standardError: text(standardError),
        bitsPerByte: text(bitsPerByte),
        changePercent: text(change?.percent),
        changePercentError: text(change?.percentError),
        ratioTotal: text(ratios.total),
        ratioBlocks: text(ratios.blocks),
        ratioDepth: text(ratios.depth),
        runnerUp: text(runnerUp?.block),
        runnerUpPpl: text(runnerUp?.ppl),
        evalPpl: text(evaluation?.ppl),
        evalChangePercent: text(evaluation?.change?.percent),
        evalChangePercentError: text(evaluation?.change?.percentError),
        repairedPpl: text(repair?.ppl),
      });
    }
    expect(steps.every(({ evalPpl }) => (evalPpl !== '') === (kind === 'layer'))).toBe(true);
    expect(steps.every(({ repairedPpl }) => (repairedPpl !== '') === (kind === 'mha'))).toBe(true);
  });
});

describe('perplexity --csv', () => {
  it('prints one row, and nothing else', async () => {
    const args = ['perplexity', PLANTED, '--data', TEXT, '--tokens', '512', '--mask', 'L1.mlp,L2.mha'];
    const { code, stdout } = await inProcess([...args, '--csv'], { cwd: folder });
    expect(code).toBe(0);
    const document = JSON.parse((await inProcess([...args, '--json'], { cwd: folder })).stdout) as Record<
      string,
      unknown
    >;
    const [row, ...others] = rowsOf(stdout);
    expect(others).toEqual([]);
    expect(Object.keys(row).join(',')).toBe(
      'model,data,mask,ppl,status,standardError,nll,natsPerToken,bitsPerByte,tokens,convention',
    );
    for (const name of ['model', 'mask', 'ppl', 'standardError', 'nll', 'natsPerToken', 'bitsPerByte', 'tokens']) {
      expect(row[name]).toBe(text(document[name]));
    }
    expect(row.data).toBe('tiny.txt');
    expect(row.convention).toBe((document.convention as { text: string }).text);
  });
});

it.each(['prune', 'perplexity'])('%s: --csv does not go with --json', async (command) => {
  const { code, stdout, stderr } = await inProcess([command, PLANTED, '--data', TEXT, '--csv', '--json'], {
    cwd: folder,
  });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/option '--csv' cannot be used with option '--json'/);
});
