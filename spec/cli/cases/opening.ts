/**
 * Files and folders that are not models: the message names what each one is, and no hub is asked.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serializeGguf } from '../../../src/formats/gguf/write.ts';
import { f32Tensor, tinyModel, typed } from '../../formats/gguf/fixtures.ts';
import { configWith, measure, model, TEXT, weights, type WrongInput } from '../wrongInput.ts';

const gguf = serializeGguf(tinyModel('llama'));
const LFS = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 4999999\n';
/** Were a hub asked, the line would say that nobody answers here. */
const noHub = { HF_ENDPOINT: 'http://127.0.0.1:9', HF_HUB_OFFLINE: '' };

/** An adapter as llama.cpp converts one. */
const adapter = serializeGguf({
  metadata: new Map([
    ['general.type', typed('string', 'adapter')],
    ['general.architecture', typed('string', 'llama')],
    ['adapter.type', typed('string', 'lora')],
  ]),
  tensors: new Map([['blk.0.attn_q.weight.lora_a', f32Tensor([4], new Float32Array(4))]]),
});

function laterPart(): Uint8Array {
  const part = tinyModel('llama');
  part.metadata.set('split.no', typed('u16', 1)).set('split.count', typed('u16', 2));
  return serializeGguf(part);
}

/** A folder `model` with these files alone. */
function only(files: Readonly<Record<string, string | Uint8Array>>): (folder: string) => void {
  return (folder) => {
    mkdirSync(join(folder, 'model'));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, 'model', name), content);
  };
}

const commands: Readonly<Record<string, (model: string) => string[]>> = {
  perplexity: measure,
  inspect: (name) => ['inspect', name],
  generate: (name) => ['generate', name, '--prompt', 'a'],
  prune: (name) => ['prune', name, '--data', TEXT, '--blocks', '1', '--out', 'out'],
  heal: (name) => ['heal', name, '--data', TEXT, '--valid', TEXT, '--mask', 'L0.mlp', '--out', 'out'],
};

const paths: readonly WrongInput[] = [
  'no/such/model',
  './nothing',
  'src.gguf',
  'lab/model.safetensors',
  '/no/model',
].map((path): WrongInput => ({
  what: `the path ${path}, where nothing is`,
  args: measure(path),
  env: noHub,
  code: 1,
  line: /: there is no such file or folder.* Give a folder with config\.json and safetensors/,
}));

const file: WrongInput = {
  what: 'a .gguf that is not there, which no --hub would bring',
  args: measure('my-model.gguf'),
  env: noHub,
  code: 1,
  line: /my-model\.gguf: there is no such file or folder\. Check the path\. [^-]*, or a \.gguf file\.$/,
};

const ids: readonly WrongInput[] = ['a/b/c', '../x', 'a b', '-', 'https://hub/a/b', 'a--b', ''].map(
  (id): WrongInput => ({
    what: `--hub with ${JSON.stringify(id)}, which is not an id`,
    args: measure(id, '--hub'),
    env: noHub,
    code: 2,
    line: /is not an id of a model on the hub\. Give owner\/name, or name\.$/,
  }),
);

export const openingCases: readonly WrongInput[] = [
  ...Object.entries(commands).map(([command, args]): WrongInput => ({
    what: `an adapter: ${command}`,
    files: { 'lora.gguf': adapter },
    args: args('lora.gguf'),
    code: 1,
    line: /lora\.gguf: is an adapter \(LoRA\), not a model\. Give the base/,
  })),
  ...['nope', 'data', '', 'planted/', '../spec', 'Planted'].map((name): WrongInput => ({
    what: `tiny:${name}, which does not come along`,
    args: ['inspect', `tiny:${name}`],
    env: noHub,
    code: 1,
    line: /^error: tiny:.*: no model called '.*' comes with blockpruner\. Those that do: (?:tiny:\w+, )*tiny:planted\b/,
  })),
  {
    what: 'the second part of a split model',
    files: { 'model-00002-of-00002.gguf': laterPart() },
    args: measure('model-00002-of-00002.gguf'),
    code: 1,
    line: /is part 2 of 2 of a split model\. Give its first part, 'model-00001-of-00002\.gguf'/,
  },
  {
    what: 'a Git LFS pointer as a GGUF file',
    files: { 'a.gguf': LFS },
    args: measure('a.gguf'),
    code: 1,
    line: /a\.gguf: is a Git LFS pointer: the file itself was not downloaded\. Run git lfs pull/,
  },
  {
    what: 'a Git LFS pointer as the weights',
    setup: model({ 'model.safetensors': LFS }),
    args: measure('model'),
    code: 1,
    line: /model\.safetensors: is a Git LFS pointer/,
  },
  {
    what: 'a Git LFS pointer as config.json',
    setup: model({ 'config.json': LFS }),
    args: measure('model'),
    code: 1,
    line: /config\.json: is a Git LFS pointer/,
  },
  {
    what: 'a folder that holds PyTorch weights only',
    setup: only({ 'config.json': configWith({}), 'pytorch_model.bin': 'PK' }),
    args: measure('model'),
    code: 1,
    line: /a format of PyTorch alone: 'pytorch_model\.bin'\. Load it in transformers/,
  },
  {
    what: 'a GGUF file cut in its tensors',
    files: { 'cut.gguf': gguf.subarray(0, -9) },
    args: measure('cut.gguf'),
    code: 1,
    line: /cut\.gguf: tensor '.*': ends at byte \d+, but the file at byte \d+\. The file is cut short/,
  },
  {
    what: 'a GGUF file cut in its header',
    files: { 'cut.gguf': gguf.subarray(0, 200) },
    args: ['inspect', 'cut.gguf'],
    code: 1,
    line: /cut\.gguf: .* is more than the file holds\. The file is damaged or not a GGUF file/,
  },
  {
    what: 'a safetensors file in place of its folder',
    files: { 'model.safetensors': weights },
    args: measure('model.safetensors'),
    code: 1,
    line: /is a safetensors file\. Give the folder/,
  },
  {
    what: 'a folder with config.json and a GGUF file, to heal',
    setup: only({ 'config.json': '{}', 'a.gguf': gguf }),
    args: commands.heal('model'),
    code: 2,
    line: /model: healing writes a model folder and needs one to begin with\. Give a folder with config\.json and safetensors/,
  },
  ...['https://me:geheim@hub.example', 'ftp://me:geheim@hub.example', 'me:geheim@hub.example'].map(
    (HF_ENDPOINT): WrongInput => ({
      what: `a password in HF_ENDPOINT, ${HF_ENDPOINT.slice(0, 5)}`,
      args: measure('lab/tiny', '--hub'),
      env: { HF_ENDPOINT, HF_HUB_OFFLINE: '' },
      code: 2,
      line: /^(?!.*geheim).*HF_ENDPOINT: (?:holds a user name or a password|'….*' is not an http\(s\) address)/,
    }),
  ),
  ...paths,
  file,
  ...ids,
];
