/**
 * `repair --form scale`: what it fits is a number a cut, from which the weights follow. Commands
 * with `--run` have them, whether or not the embedding is the head too.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RepairRunResult } from '../../src/prune/repair/repairRun.ts';
import { inProcess } from './inProcess.ts';
import { TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-scale-'));
const TIED = fileURLToPath(new URL('../../tiny-models/verses', import.meta.url));
const UNTIED = join(folder, 'untied model');
untie();
afterAll(() => rmSync(folder, { recursive: true }));

const MASK = 'L5.mlp,L3.mha,L2.mlp';
const CUT = ['--tokens', '1024', '--chunk', '128'];
const RUN = ['--threads', '1', '--lanes', '4'];

async function said(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await inProcess([...args, '--quiet'], { cwd: folder });
  expect(code, stderr).toBe(0);
  return stdout;
}

const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await said(...args, '--json')) as T;

describe.each([
  ['an embedding of its own', UNTIED, 'untied'],
  ['a tied embedding', TIED, 'tied'],
])('a model with %s', (_, model, out) => {
  const words = ['repair', model, '--data', TEXT, '--eval', TEXT, ...CUT, ...RUN, '--mask', MASK, '--form', 'scale'];
  const perplexity = (...rest: string[]): Promise<{ ppl: number; repair?: object }> => {
    return json('perplexity', model, '--data', TEXT, ...CUT, ...RUN, ...rest);
  };
  const resultOf = (name: string): RepairRunResult => {
    return JSON.parse(readFileSync(join(folder, name, 'repair.json'), 'utf8')) as RepairRunResult;
  };
  const journalOf = (name: string): string => readFileSync(join(folder, name, 'journal.jsonl'), 'utf8');
  /** All but the time that it took. */
  const madeBy = (name: string): unknown => {
    return JSON.parse(readFileSync(join(folder, name, 'repair.json'), 'utf8'), (key, value: unknown) => {
      return key === 'seconds' ? 0 : value;
    });
  };
  let summary = '';
  beforeAll(async () => {
    summary = await said(...words, '--out', out);
  });

  it('is scaled at cuts, by numbers that the document holds and the terminal names', () => {
    const { settings, blocks, tensors } = resultOf(out).repair;
    expect(settings).toMatchObject({ form: 'scale', scope: 'cuts' });
    expect(tensors).toEqual([]);
    const taken = blocks.filter(({ kept }) => kept === null);
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.every(({ scale = 1 }) => scale > 0 && scale !== 1)).toBe(true);
    const numbers = taken.map(({ block, scale = 1 }) => `${block} × ${scale.toPrecision(4)}`).join(', ');
    expect(summary).toMatch(/^repaired: scale before each cut, \d numbers?; L/m);
    expect(summary).toContain(`; ${numbers}\n`);
  });

  it('measures with --run what the document states, to the last bit', async () => {
    const { evaluation } = resultOf(out).repair;
    const { ppl, repair } = await perplexity('--run', out);
    expect(ppl).toBe(evaluation?.repaired.ppl);
    expect(repair).toMatchObject({ form: 'scale', scope: 'cuts' });
    expect((await perplexity('--mask', MASK)).ppl).toBe(evaluation?.pruned.ppl);
    expect(ppl).not.toBe(evaluation?.pruned.ppl);
  });

  it('generates and heals with --run on the scaled weights', async () => {
    const generated = await json('generate', model, '--prompt', 'the cat', '--max-tokens', '2', ...RUN, '--run', out);
    const scales = resultOf(out).repair.blocks.flatMap(({ block, scale, kept }) => {
      return kept === null ? [{ block, scale }] : [];
    });
    expect(generated).toMatchObject({ mask: MASK, repair: { form: 'scale', scales } });
    const healed = join(folder, `${out}-healed`);
    const texts = ['--data', TEXT, '--valid', TEXT, ...CUT, '--threads', '1'];
    await said('heal', model, ...texts, '--steps', '1', '--run', out, '--out', healed);
    const healing = JSON.parse(readFileSync(join(healed, 'healing.json'), 'utf8')) as { repaired: { ppl: number } };
    expect(healing).toMatchObject({ mask: MASK, repair: { form: 'scale', scales } });
    expect(healing.repaired.ppl / Number(resultOf(out).repair.evaluation?.repaired.ppl)).toBeCloseTo(1, 4);
  });

  it('is written out scaled, up to the rounding of the weights', async () => {
    // A copy, since a folder of weights is not to be written to.
    cpSync(model, join(folder, `${out}-model`), { recursive: true });
    const written = resolve(folder, `${out}-written`);
    await said(...words.with(1, `${out}-model`), '--out', `${out}-2`, '--write', written);
    const { ppl } = await json<{ ppl: number }>('perplexity', written, '--data', TEXT, ...CUT, ...RUN);
    const { pruned, repaired } = resultOf(out).repair.evaluation ?? {};
    expect(Math.abs(ppl - Number(repaired?.ppl))).toBeLessThan(0.1 * Math.abs(ppl - Number(pruned?.ppl)));
  });

  test.prop([fc.nat()], { numRuns: 3 })('goes on from any line of its journal, to the same bits', async (cut) => {
    const lines = journalOf(out).split('\n').slice(0, -1);
    const name = `${out}-${cut}`;
    rmSync(join(folder, name), { recursive: true, force: true });
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'journal.jsonl'), lines.slice(0, 1 + (cut % lines.length)).join('\n') + '\n');
    await said(...words, '--out', name);
    expect(madeBy(name)).toEqual(madeBy(out));
    expect((await perplexity('--run', name)).ppl).toBe(resultOf(out).repair.evaluation?.repaired.ppl);
  });
});

/** Writes the tied model with its embedding once more as the head: the same function. */
function untie(): void {
  cpSync(TIED, UNTIED, { recursive: true });
  const config = JSON.parse(readFileSync(join(TIED, 'config.json'), 'utf8')) as object;
  writeFileSync(join(UNTIED, 'config.json'), JSON.stringify({ ...config, tie_word_embeddings: false }));
  const file = readFileSync(join(TIED, 'model.safetensors'));
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<string, { data_offsets: [number, number] }>;
  const embedding = header['model.embed_tokens.weight'];
  const [from, to] = embedding.data_offsets;
  const size = file.length - start;
  const text = JSON.stringify({
    ...header,
    'lm_head.weight': { ...embedding, data_offsets: [size, size + to - from] },
  });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
  const pieces = [length, Buffer.from(text), file.subarray(start), file.subarray(start + from, start + to)];
  writeFileSync(join(UNTIED, 'model.safetensors'), Buffer.concat(pieces));
}
