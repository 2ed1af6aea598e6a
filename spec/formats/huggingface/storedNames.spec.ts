/** Checkpoints whose tensor names carry what a training program wrapped around the model. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { openHfFolder } from '../../../src/formats/huggingface/weightSource.ts';
import type { TensorToWrite } from '../../../src/formats/safetensors/write.ts';
import { nodeHasher } from '../../../src/platform/nodeHash.ts';
import { gpt2, llama } from './configs.ts';
import { memoryFolder, randomWeights, sharded, singleFile } from './tinyModel.ts';

type Tensors = Map<string, TensorToWrite>;
const renamed = (tensors: Tensors, rename: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]));

const wrappings: readonly (readonly [string, (name: string) => string, string[]])[] = [
  ['torch.compile', (name) => `_orig_mod.${name}`, ['_orig_mod.']],
  ['data parallelism', (name) => `module.${name}`, ['module.']],
  ['both', (name) => `module._orig_mod.${name}`, ['_orig_mod.', 'module.']],
  ['PEFT', (name) => `base_model.model.${name}`, ['base_model.model.']],
  ['a trainer', (name) => `model.${name}`, ['model.']],
  [
    'FSDP',
    (name) => `_fsdp_wrapped_module.${name.replace(/(layers|h)\.(\d)\./, '$1.$2._fsdp_wrapped_module.')}`,
    ['_fsdp_wrapped_module.'],
  ],
  ['layers compiled one by one', (name) => name.replace(/(layers|h)\.(\d)\./, '$1.$2._orig_mod.'), ['_orig_mod.']],
  [
    'checkpointed layers',
    (name) => name.replace(/\.mlp\./, '.mlp._checkpoint_wrapped_module.'),
    ['_checkpoint_wrapped_module.'],
  ],
];

test.prop([fc.constantFrom(...wrappings), fc.constantFrom(llama, gpt2), fc.integer({ min: 1, max: 3 }), fc.boolean()], {
  numRuns: 40,
})('are left out, which is said, and the model is the same', async ([, rename, leftOut], config, shards, bare) => {
  const tensors = randomWeights(config);
  const stripped = bare ? renamed(tensors, (name) => name.replace('transformer.', '')) : tensors;
  const stored = renamed(stripped, rename);
  const files = shards === 1 ? singleFile(config, stored) : sharded(config, shards, stored);
  const { weights, warnings } = await openHfFolder(memoryFolder(files));
  const plain = await openHfFolder(memoryFolder(singleFile(config, tensors)));
  expect(await weights.contentHash(nodeHasher())).toBe(await plain.weights.contentHash(nodeHasher()));
  const said = leftOut.map((part) => `'${part}'`).join(', ');
  expect(warnings).toEqual([`folder: parts of tensor names that do not belong to the model, left out: ${said}.`]);
});

describe('are refused where they leave two models, or none', () => {
  const tensors = randomWeights(llama);
  it.each<[string, Tensors, RegExp]>([
    [
      'two models',
      new Map([...renamed(tensors, (name) => `student.${name}`), ...renamed(tensors, (name) => `teacher.${name}`)]),
      /could be one of several models: 'student\.model\.embed_tokens\.weight', 'teacher/,
    ],
    [
      'one name twice',
      new Map([...tensors, ...renamed(tensors, (name) => `_orig_mod.${name}`)]),
      /tensors '.*' and '_orig_mod\..*' are both '/,
    ],
    [
      'an adapter that is not merged',
      renamed(tensors, (name) => `base_model.model.${name.replace('q_proj.', 'q_proj.base_layer.')}`),
      /holds an adapter that is not merged into its model \(tensor '.*base_layer/,
    ],
    [
      'adapter matrices beside the weights',
      new Map([
        ...tensors,
        ['model.layers.0.self_attn.q_proj.lora_A.weight', { shape: [1], dtype: 'F32', data: new Float32Array(1) }],
      ]),
      /holds an adapter that is not merged/,
    ],
    ['something else altogether', renamed(tensors, (name) => `${name}.x`), /'model\.embed_tokens\.weight' is missing/],
  ])('%s', async (_, stored, message) => {
    const folder = memoryFolder(singleFile(llama, stored));
    await expect(openHfFolder(folder)).rejects.toThrow(message);
    expect(folder.left).toBe(0);
  });

  it('a copy under a prefix beside the model itself is surplus', async () => {
    const both = new Map([...tensors, ...renamed(tensors, (name) => `ema.${name}`)]);
    const { warnings } = await openHfFolder(memoryFolder(singleFile(llama, both)));
    expect(warnings).toEqual([expect.stringMatching(/tensors the config has no use for, ignored: 'ema\./)]);
  });
});
