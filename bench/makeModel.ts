/**
 * Writes a random model as GGUF, a few megabytes of memory whatever its size:
 *
 *   node bench/makeModel.ts --preset tinyllama --type q8_0 --out big.gguf
 *   node bench/makeModel.ts --preset tinyllama --layers 4 --vocab 1000 --out small.gguf
 */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { randomGguf, shapes, weightTypes, type LlamaShape, type WeightType } from './randomGguf.ts';

const sizes = ['layers', 'hidden', 'intermediate', 'heads', 'kvHeads', 'vocab', 'context'] as const;

const { values } = parseArgs({
  options: {
    preset: { type: 'string', default: 'tinyllama' },
    type: { type: 'string', default: 'q8_0' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
    /** Without a vocabulary, data are token ids and results have no sample text. */
    vocabulary: { type: 'boolean', default: false },
    layers: { type: 'string' },
    hidden: { type: 'string' },
    intermediate: { type: 'string' },
    heads: { type: 'string' },
    kvHeads: { type: 'string' },
    vocab: { type: 'string' },
    context: { type: 'string' },
  },
});

if (!Object.hasOwn(shapes, values.preset)) fail(`--preset is one of ${Object.keys(shapes).join(', ')}.`);
if (!weightTypes.some((type) => type === values.type)) fail(`--type is one of ${weightTypes.join(', ')}.`);
if (values.out === undefined) fail('--out FILE is missing.');

const shape: LlamaShape = { ...shapes[values.preset] };
for (const size of sizes) shape[size] = wholeNumber(size, values[size] ?? String(shape[size]));
if (shape.hidden % (2 * shape.heads) !== 0 || shape.heads % shape.kvHeads !== 0) fail('these heads do not fit.');

const started = performance.now();
const model = {
  shape,
  type: values.type as WeightType,
  seed: wholeNumber('seed', values.seed),
  vocabulary: values.vocabulary,
};
await pipeline(randomGguf(model), createWriteStream(values.out));
console.log(`${values.out}: ${((performance.now() - started) / 1000).toFixed(1)} s`);

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) fail(`--${name} is a whole number ≥ 1.`);
  return Number(text);
}

function fail(message: string): never {
  console.error(`makeModel: ${message}`);
  process.exit(2);
}
