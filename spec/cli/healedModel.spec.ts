/**
 * What healing writes is what any program reads: config.json tells the truth, names are canonical,
 * nothing changed meanwhile.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseHfConfig } from '../../src/formats/huggingface/config.ts';
import { writtenConfig } from '../../src/formats/huggingface/writtenConfig.ts';
import { openModel } from '../../src/formats/openModel.ts';
import type { TensorToWrite } from '../../src/formats/safetensors/write.ts';
import { gpt2, llama } from '../formats/huggingface/configs.ts';
import { randomWeights, singleFile, type Files } from '../formats/huggingface/tinyModel.ts';
import { inProcess, type InProcessOptions } from './inProcess.ts';
import type { Outcome } from './command.ts';
import { TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-healed-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Config = Readonly<Record<string, unknown>>;
const HEAD = 'lm_head.weight';

/** A model's tensors with a head of its own. */
function withHead(config: Config): Map<string, TensorToWrite> {
  const tensors = randomWeights(config);
  const [embedding] = tensors.values();
  return tensors.set(HEAD, { ...embedding, data: embedding.data.toReversed() });
}

/** A new folder with the model in it. */
function place(files: Files): string {
  const cwd = mkdtempSync(join(folder, 'case-'));
  mkdirSync(join(cwd, 'model'));
  for (const [name, bytes] of files) writeFileSync(join(cwd, 'model', name), bytes);
  return cwd;
}

function heal(options: InProcessOptions): Promise<Outcome> {
  const data = ['--data', TEXT, '--valid', TEXT, '--tokens', '256', '--chunk', '32', '--seq-len', '32'];
  const training = ['--steps', '1', '--sequences', '1', '--rank', '2'];
  return inProcess(['heal', 'model', '--mask', 'L1.mlp', '--out', 'out', ...data, ...training], options);
}

const configIn = (cwd: string, name: string): string => readFileSync(join(cwd, name, 'config.json'), 'utf8');

/** Tensors of a safetensors file, by the names it has them under. */
function namesIn(path: string): string[] {
  const bytes = readFileSync(path);
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as object;
  return Object.keys(header).filter((name) => name !== '__metadata__');
}

describe('the config.json beside healed weights', () => {
  it.each<[string, Config, Config]>([
    ['a Llama that says it is tied', llama, { ...llama, tie_word_embeddings: true }],
    ['a GPT-2 that is by default', gpt2, gpt2],
    ['a GPT-2 that leaves it open', gpt2, { ...gpt2, tie_word_embeddings: null }],
  ])('%s and has a head of its own: the head is written, and no longer called tied', async (_, shapes, config) => {
    const tensors = withHead(shapes);
    const cwd = place(singleFile(config, tensors));
    const { code, stderr } = await heal({ cwd });
    expect(code, stderr).toBe(0);
    const healed = JSON.parse(configIn(cwd, 'out')) as Config;
    expect(healed).toEqual({ ...config, tie_word_embeddings: false });
    expect(parseHfConfig(healed, 'config').config.tieWordEmbeddings).toBe(false);
    const { weights, warnings, close } = await openModel(join(cwd, 'out'));
    expect(warnings.filter((warning) => /tie|head/.test(warning))).toEqual([]);
    expect(await weights.tensor(HEAD)).toEqual(tensors.get(HEAD)?.data);
    await close();
    // Again into the same folder, also over a config.json that was copied to the letter.
    expect((await heal({ cwd })).code).toBe(0);
    copyFileSync(join(cwd, 'model', 'config.json'), join(cwd, 'out', 'config.json'));
    expect((await heal({ cwd })).code).toBe(0);
    expect(JSON.parse(configIn(cwd, 'out'))).toEqual(healed);
  });

  it.each<[string, Config]>([
    ['a tied Llama', { ...llama, tie_word_embeddings: true }],
    ['a tied GPT-2', gpt2],
    ['a Llama with a head of its own that says so', { ...llama, tie_word_embeddings: false }],
  ])('%s: is the same to the letter', async (_, config) => {
    const cwd = place(singleFile(config));
    const { code, stderr } = await heal({ cwd });
    expect(code, stderr).toBe(0);
    expect(configIn(cwd, 'out')).toBe(configIn(cwd, 'model'));
    const stored = namesIn(join(cwd, 'out', 'model.safetensors'));
    expect(stored.includes(HEAD)).toBe(config.tie_word_embeddings === false);
  });

  it('changes one word and leaves every other letter', () => {
    const { config } = parseHfConfig({ ...llama, tie_word_embeddings: false }, 'config');
    const text =
      '\uFEFF{\n\t"rope_theta": 10000.0, "x": 1e-05,\r\n  "tie_word_embeddings" : true , "y": 12345678901234567890}';
    expect(writtenConfig(text, config)).toBe(text.replace('true', 'false'));
    expect(writtenConfig('{"a": 1.0}', config)).toBe('{\n  "tie_word_embeddings": false,"a": 1.0}');
    expect(writtenConfig(text, { ...config, tieWordEmbeddings: true })).toBe(text);
  });
});

it.each<[string, Config, (name: string) => string]>([
  ['a compiled model', llama, (name) => `_orig_mod.${name}`],
  ['a model of several devices', llama, (name) => `module.${name}`],
  ['a bare GPT-2', gpt2, (name) => name.replace(/^transformer\./, '')],
])('%s is written under canonical names', async (_, config, wrapped) => {
  const tensors = randomWeights(config);
  const named = new Map([...tensors].map(([name, tensor]) => [wrapped(name), tensor]));
  const cwd = place(singleFile(config, named));
  const { code, stderr } = await heal({ cwd });
  expect(code, stderr).toBe(0);
  expect(namesIn(join(cwd, 'out', 'model.safetensors')).toSorted()).toEqual([...tensors.keys()].toSorted());
  const { warnings, close } = await openModel(join(cwd, 'out'));
  expect(warnings).toEqual([]);
  await close();
});

describe('a model file that is replaced', () => {
  const [before, after] = [singleFile(llama), singleFile(llama, randomWeights(llama, 2))];
  const changed = /^error: model: model\.safetensors|^error: .*model\.safetensors: the file was changed or replaced/m;

  /** Runs a command that replaces the model's weights once its output matches. */
  async function replacing(
    pattern: RegExp,
    run: (options: InProcessOptions) => Promise<Outcome>,
  ): Promise<Outcome & { cwd: string }> {
    const cwd = place(before);
    writeFileSync(join(cwd, 'other'), after.get('model.safetensors') ?? '');
    let left = 1;
    const onOutput = (text: string): void => {
      if (left > 0 && pattern.test(text) && left-- > 0)
        copyFileSync(join(cwd, 'other'), join(cwd, 'model/model.safetensors'));
    };
    const outcome = await run({ cwd, onOutput });
    expect(left).toBe(0);
    return { ...outcome, cwd };
  }

  it.each([
    ['before it trains', /^perplexity/, /^step/m],
    ['while it trains', /^step/, /healing brought/],
  ])('%s, healing ends with an error and writes no model', async (_, pattern, never) => {
    const { code, stdout, stderr, cwd } = await replacing(pattern, heal);
    expect(code).toBe(1);
    expect(stderr).toMatch(changed);
    expect(`${stdout}${stderr}`).not.toMatch(never);
    expect(() => configIn(cwd, 'out')).toThrow('ENOENT');
    expect(() => namesIn(join(cwd, 'out', 'model.safetensors'))).toThrow('ENOENT');
    // With the right model back the training that is done is not done again.
    writeFileSync(join(cwd, 'model/model.safetensors'), before.get('model.safetensors') ?? '');
    expect((await heal({ cwd })).code).toBe(0);
  });

  it.each([
    ['while it generates', /^to be/, []],
    ['before it generates', /^backend:/, ['--json']],
  ])('%s, the text ends with an error', async (_, pattern, more) => {
    const generate = ['generate', 'model', '--prompt', 'to be', '--max-tokens', '4', ...more];
    const { code, stdout, stderr } = await replacing(pattern, (options) => inProcess(generate, options));
    expect(code).toBe(1);
    expect(stderr).toMatch(changed);
    if (more.length > 0) expect(stdout).toBe('');
  });

  it('after its last token is there, which needs nothing more of the file, the text ends with an error, too', async () => {
    const generate = ['generate', 'model', '--prompt', 'to be', '--max-tokens', '1'];
    const { code, stdout, stderr } = await replacing(/^(?!to be$|backend:)[^]/, (options) =>
      inProcess(generate, options),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(changed);
    expect(stdout).toMatch(/^to be/);
  });
});
