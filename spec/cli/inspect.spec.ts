/** `inspect`: a model's config and what every block weighs, for people and as JSON. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { serializeGguf } from '../../src/formats/gguf/write.ts';
import { tinyModel } from '../formats/gguf/fixtures.ts';
import { gpt2, llama } from '../formats/huggingface/configs.ts';
import { randomWeights, singleFile } from '../formats/huggingface/tinyModel.ts';
import { inProcess } from './inProcess.ts';
import { PLANTED } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-inspect-'));
afterAll(() => rmSync(folder, { recursive: true }));

function model(name: string, files: ReadonlyMap<string, Uint8Array>): string {
  mkdirSync(join(folder, name));
  for (const [file, bytes] of files) writeFileSync(join(folder, name, file), bytes);
  return name;
}

interface Inspected {
  schema: string;
  model: string;
  config: Record<string, unknown>;
  parameters: number;
  blockParameters: number;
  bytes: number;
  tokenizer: string | null;
  tokenizerNote: string | null;
  blocks: { block: string; parameters: number; dtypes: string; bytes: number }[];
}

async function inspect(of: string, ...rest: string[]): Promise<string> {
  const { code, stdout, stderr } = await inProcess(['inspect', of, ...rest], { cwd: folder });
  expect(code, stderr).toBe(0);
  return stdout;
}

const json = async (of: string): Promise<Inspected> => JSON.parse(await inspect(of, '--json')) as Inspected;

const untied = model('llama', singleFile(llama));
const tied = model(
  'tied',
  singleFile(
    { ...llama, tie_word_embeddings: true },
    new Map([...randomWeights(llama)].filter(([name]) => name !== 'lm_head.weight')),
  ),
);
const old = model('gpt2', singleFile(gpt2));
const bare = model('bare', new Map([...singleFile(llama)].filter(([name]) => name !== 'tokenizer.json')));
writeFileSync(join(folder, 'tiny.gguf'), serializeGguf(tinyModel('qwen3')));
cpSync(PLANTED, join(folder, 'planted'), { recursive: true });

describe.each([untied, tied, old, bare, 'tiny.gguf', 'planted'])('%s', (name) => {
  it('blocks add up to what is said of them together', async () => {
    const found = await json(name);
    expect(found.schema).toBe('blockpruner.inspect/1');
    const sum = found.blocks.reduce((total, { parameters }) => total + parameters, 0);
    expect(sum).toBe(found.blockParameters);
    expect(found.parameters).toBeGreaterThan(sum);
    expect(found.bytes).toBeGreaterThan(found.blocks.reduce((total, { bytes }) => total + bytes, 0));
    for (const { parameters, dtypes, bytes } of found.blocks) {
      expect(parameters).toBeGreaterThan(0);
      // One element type a block here, so bytes follow from it.
      expect(bytes).toBe(parameters * (dtypes === 'F32' ? 4 : 2));
    }
    const names = found.blocks.map(({ block }) => block);
    expect(names).toEqual(names.map((_, index) => `L${index >> 1}.${index % 2 === 0 ? 'mha' : 'mlp'}`));
  });

  it('says the same to people', async () => {
    const [found, text] = [await json(name), await inspect(name)];
    expect(text).toContain(`${found.parameters.toLocaleString('en')} parameters (`);
    expect(text).toContain(found.tokenizer ?? `none (${found.tokenizerNote ?? 'no file'})`);
    const rows = text.split('\n').filter((line) => /^L\d+ /.test(line));
    expect(rows).toHaveLength(found.blocks.length / 2);
    rows.forEach((row, layer) => {
      for (const { parameters } of found.blocks.slice(2 * layer, 2 * layer + 2))
        expect(row).toContain(parameters.toLocaleString('en'));
    });
  });
});

it.each([
  [untied, 'own head'],
  [tied, 'tied head'],
])('%s has its %s', async (name, words) => {
  expect(await inspect(name)).toContain(words);
});

it('counts tied weights once', async () => {
  const [one, two] = [await json(tied), await json(untied)];
  expect(two.parameters - one.parameters).toBe(Number(llama.vocab_size) * Number(llama.hidden_size));
  expect(two.blockParameters).toBe(one.blockParameters);
});

it('of a model without a tokenizer, says so', async () => {
  const found = await json(bare);
  expect(found.tokenizer).toBeNull();
  expect(await inspect(bare)).toMatch(/^tokenizer: none \(.+\)$/m);
});
