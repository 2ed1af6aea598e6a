/** Damaged texts: tokenizers, calibration data, masks and orders of removal, recipes. */
import { fc } from '@fast-check/vitest';
import { parseData } from '../../src/eval/textData.ts';
import { Mask } from '../../src/model/mask.ts';
import { parseHubId } from '../../src/platform/hub/hubId.ts';
import { readOfficialOrder, writeOfficialOrder } from '../../src/prune/officialOrder.ts';
import { tokenizerFromJson } from '../../src/tokenizer/fromJson.ts';
import { checkRecipe } from '../../src/train/recipe.ts';
import { hostileTexts, mutated } from '../formats/hostile.ts';
import { someTextDamage } from '../prune/damagedText.ts';
import { expectUsable, smallByteLevelJson, smallSentencePieceJson, wrongValues } from '../tokenizer/smallTokenizers.ts';
import { target, wrong, type Target } from './target.ts';
import { layersOf } from '../model/layers.ts';

const tokenizers = [
  smallByteLevelJson(),
  smallSentencePieceJson(),
  { type: 'blockpruner-byte', bos: '<s>', eos: 'b' },
  { type: 'blockpruner-char', alphabet: "ab <s>'12\n" },
];
const tokenizerConfig = { bos_token: '<s>', eos_token: { content: '</s>' }, add_bos_token: true };
const damagedTokenizer = fc
  .constantFrom<unknown>(...tokenizers)
  .chain((json) => fc.tuple(mutated(json, wrongValues), mutated(tokenizerConfig, wrongValues)));

const lines = ['{"text":"a b"}', '{"text":"c\\nd","other":1}', '{"text":""}'].join('\n');
const data = fc.oneof(
  fc.tuple(fc.constant('x.jsonl'), fc.constant(lines)),
  fc.tuple(fc.constant('x.json'), fc.constant('[0, 1, 2, 300, 4]')),
  fc.tuple(fc.constant('x.txt'), fc.string({ unit: 'binary', maxLength: 40 })),
);
const damagedData = fc
  .tuple(data, someTextDamage)
  .map(([[name, content], damage]): [string, string] => [name, damage(content)]);

function feedData([name, content]: [string, string]): void {
  const found = parseData(name, content, 'text');
  const text = content.replace(/^\uFEFF/, '');
  const expected = plainData(name, text);
  const got = found.kind === 'ids' ? found.ids : found.rows;
  if (JSON.stringify(got) !== JSON.stringify(expected)) wrong(`${name} was read as ${JSON.stringify(got)}`);
}

function plainData(name: string, text: string): unknown {
  if (name === 'x.txt') return [text];
  if (name === 'x.json') return JSON.parse(text);
  const rows = text.split('\n').filter((line) => line.trim() !== '');
  return rows.map((line) => (JSON.parse(line) as { text: string }).text);
}

const LAYERS = 4;
const order = writeOfficialOrder([
  [{ kind: 'mlp', layer: 1 }],
  [],
  [
    { kind: 'mha', layer: 3 },
    { kind: 'mlp', layer: 3 },
  ],
]);

function feedOrder(text: string): void {
  const steps = readOfficialOrder(text, 'x.json', layersOf(LAYERS));
  const again = JSON.parse(writeOfficialOrder(steps)) as Record<string, [string, number][]>;
  const stored = JSON.parse(text) as Record<string, [string, number][]>;
  for (const [step, blocks] of Object.entries(again)) {
    const sorted = (list: [string, number][]): string => JSON.stringify(list.map(String).toSorted());
    if (sorted(blocks) !== sorted(stored[step])) wrong(`step ${step} was read as ${JSON.stringify(blocks)}`);
  }
}

const masks = fc.tuple(fc.constantFrom('L1.mha', 'L1.mha,L2.mlp', 'L0.mlp, L3.mha', ''), someTextDamage);

function feedMask(text: string): void {
  const mask = Mask.parse(text, layersOf(LAYERS));
  if (Mask.parse(mask.toString(), layersOf(LAYERS)).toString() !== mask.toString())
    wrong(`${text} was read as ${mask}`);
}

const recipe = {
  config: { model_type: 'llama' },
  tokenizer: { type: 'blockpruner-byte' },
  seed: 1,
  train: { file: 'a.txt', from: 0, to: 0.9 },
  validation: { file: 'a.txt', from: 0.9 },
  steps: 10,
  sequences: 2,
  seqLen: 8,
  lr: 1e-3,
  decay: 'cosine',
};

function feedRecipe(value: unknown): void {
  const { steps, sequences, seqLen, lr } = checkRecipe(value, 'x.json');
  for (const number of [steps, sequences, seqLen, lr]) if (!(number > 0 && number < Infinity)) wrong(String(number));
}

const hubIds = fc.tuple(fc.constantFrom('owner/name', 'owner/name/file.gguf', ...hostileTexts), someTextDamage);

function feedHubId(text: string): void {
  const id = parseHubId(text);
  if (id === null) return;
  const [owner, name, ...rest] = id.repo.split('/');
  const plain = /^[\w.-]+$/;
  if (!plain.test(owner) || !plain.test(name) || rest.length > 0 || id.repo.includes('..')) wrong(id.repo);
}

export const textFiles: readonly Target[] = [
  target('tokenizer', 12, damagedTokenizer, ([json, config]) => expectUsable(tokenizerFromJson(json, config, 'x'))),
  target('data', 6, damagedData, feedData),
  target(
    'order',
    4,
    someTextDamage.map((damage) => damage(order)),
    feedOrder,
  ),
  target(
    'mask',
    2,
    masks.map(([text, damage]) => damage(text)),
    feedMask,
  ),
  target('recipe', 3, mutated(recipe), feedRecipe),
  target(
    'hubId',
    1,
    hubIds.map(([text, damage]) => damage(text)),
    feedHubId,
  ),
];
