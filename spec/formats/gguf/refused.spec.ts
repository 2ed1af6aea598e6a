/**
 * GGUF files that are damaged, incomplete, or of models that we would compute otherwise: one line
 * says what is wrong.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError, NotFoundError, ShapeError, UnsupportedModelError } from '../../../src/errors.ts';
import { openGgufWeights } from '../../../src/formats/gguf/weightSource.ts';
import { serializeGguf } from '../../../src/formats/gguf/write.ts';
import type { GgufType } from '../../../src/formats/gguf/valueTypes.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { f32Tensor, tinyModel, typed, type TinyArch } from './fixtures.ts';

type Model = ReturnType<typeof tinyModel>;
type Kind = new (...args: never[]) => Error;

interface Refusal {
  what: string;
  change: (model: Model) => void;
  kind: Kind;
  line: RegExp;
  arch?: TinyArch;
}

const zeros = (...dims: number[]): ReturnType<typeof f32Tensor> =>
  f32Tensor(dims, new Float32Array(dims.reduce((product, size) => product * size, 1)));

const llama =
  (key: string, type: GgufType, value: Parameters<typeof typed>[1]) =>
  ({ metadata }: Model): void => {
    metadata.set(`llama.${key}`, typed(type, value));
  };

/** The model as arch deci, with one number a layer under a key. */
const deci =
  (key: string, ...layers: number[]) =>
  ({ metadata }: Model): void => {
    const own = [...metadata].filter(([name]) => name.startsWith('llama.'));
    for (const [name, value] of own) {
      metadata.delete(name);
      metadata.set(name.replace('llama', 'deci'), value);
    }
    metadata.set('general.architecture', typed('string', 'deci'));
    metadata.set(`deci.${key}`, typed({ array: 'i32' }, Int32Array.from(layers)));
  };

const refusals: readonly Refusal[] = [
  // Metadata
  {
    what: 'heads of arch deci without key/value heads',
    change: deci('attention.head_count_kv', 1, 0),
    kind: UnsupportedModelError,
    line: /deci\.attention\.head_count_kv = '0 in layer 1' is not supported\./,
  },
  {
    what: 'a list of arch deci of another length',
    change: deci('feed_forward_length', 12),
    kind: FormatError,
    line: /deci\.feed_forward_length has 1 entries for 2 layers\./,
  },
  {
    what: 'a width of arch deci that is none',
    change: deci('feed_forward_length', 12, -1),
    kind: FormatError,
    line: /deci\.feed_forward_length holds -1, expected whole numbers 0 …/,
  },
  {
    what: 'no architecture',
    change: ({ metadata }) => metadata.delete('general.architecture'),
    kind: FormatError,
    line: /^x\.gguf: key 'general\.architecture' is missing\./,
  },
  {
    what: 'an architecture of others',
    change: ({ metadata }) => metadata.set('general.architecture', typed('string', 'mamba')),
    kind: UnsupportedModelError,
    line: /^x\.gguf: architecture 'mamba' is not supported\. Supported are .*llama/,
  },
  {
    what: 'no number of layers',
    change: ({ metadata }) => metadata.delete('llama.block_count'),
    kind: FormatError,
    line: /key 'llama\.block_count' is missing\./,
  },
  {
    what: 'no epsilon',
    change: ({ metadata }) => metadata.delete('llama.attention.layer_norm_rms_epsilon'),
    kind: FormatError,
    line: /key 'llama\.attention\.layer_norm_rms_epsilon' is missing\./,
  },
  {
    what: 'no layers',
    change: llama('block_count', 'u32', 0),
    kind: FormatError,
    line: /llama\.block_count is 0, expected a whole number 1 … 4096\./,
  },
  {
    what: 'more layers than any model has',
    change: llama('block_count', 'u32', 4097),
    kind: FormatError,
    line: /llama\.block_count is 4097, expected a whole number 1 … 4096\./,
  },
  {
    what: 'a text for a number',
    change: llama('feed_forward_length', 'string', 'many'),
    kind: FormatError,
    line: /llama\.feed_forward_length is not a number\./,
  },
  {
    what: 'texts for numbers, one a layer',
    change: llama('feed_forward_length', { array: 'string' }, ['12', '12']),
    kind: FormatError,
    line: /llama\.feed_forward_length does not hold numbers\./,
  },
  {
    what: 'a list that is not as long as there are layers',
    change: llama('feed_forward_length', { array: 'u32' }, Uint32Array.of(12, 12, 12)),
    kind: FormatError,
    line: /llama\.feed_forward_length has 3 entries for 2 layers\./,
  },
  {
    what: 'a number for a text',
    change: llama('rope.scaling.type', 'u32', 1),
    kind: FormatError,
    line: /llama\.rope\.scaling\.type is not a string\./,
  },
  // Heads
  {
    what: 'heads that cannot share their keys evenly',
    change: llama('attention.head_count_kv', 'u32', 3),
    kind: FormatError,
    line: /2 heads cannot share 3 key\/value heads\./,
  },
  {
    what: 'GPT-2 with shared keys',
    arch: 'gpt2',
    change: ({ metadata }) => metadata.set('gpt2.attention.head_count_kv', typed('u32', 1)),
    kind: FormatError,
    line: /2 heads cannot share 1 key\/value heads\./,
  },
  {
    what: 'heads of an odd size',
    change: llama('attention.key_length', 'u32', 3),
    kind: FormatError,
    line: /heads of 3 numbers cannot be rotated in pairs\./,
  },
  // RoPE
  {
    what: 'a base of 0',
    change: llama('rope.freq_base', 'f32', 0),
    kind: FormatError,
    line: /llama\.rope\.freq_base is 0, expected a number above 0\./,
  },
  {
    what: 'angles beyond all numbers',
    change: llama('rope.scaling.factor', 'f64', 5e-324),
    kind: FormatError,
    line: /llama\.rope\.\* \(freq_base, scaling\.factor\) give angles that are not finite numbers\./,
  },
  {
    what: 'LongRoPE',
    change: ({ tensors }) => tensors.set('rope_factors_long.weight', zeros(2)),
    kind: UnsupportedModelError,
    line: /llama\.rope\.scaling = 'LongRoPE' is not supported\./,
  },
  {
    what: 'two scalings at once',
    change: (model) => {
      llama('rope.scaling.factor', 'f32', 4)(model);
      model.tensors.set('rope_freqs.weight', f32Tensor([2], Float32Array.of(1, 8)));
    },
    kind: UnsupportedModelError,
    line: /llama\.rope\.scaling\.factor = '4 together with rope_freqs\.weight' is not supported\./,
  },
  {
    what: 'too few divisors',
    change: ({ tensors }) => tensors.set('rope_freqs.weight', f32Tensor([1], Float32Array.of(1))),
    kind: FormatError,
    line: /tensor 'rope_freqs\.weight' has 1 values, expected 2\./,
  },
  {
    what: 'a divisor of 0',
    change: ({ tensors }) => tensors.set('rope_freqs.weight', f32Tensor([2], Float32Array.of(1, 0))),
    kind: FormatError,
    line: /tensor 'rope_freqs\.weight' has the divisor 0\./,
  },
  {
    what: 'an infinite divisor',
    change: ({ tensors }) => tensors.set('rope_freqs.weight', f32Tensor([2], Float32Array.of(Infinity, 1))),
    kind: FormatError,
    line: /tensor 'rope_freqs\.weight' has the divisor Infinity\./,
  },
  {
    what: 'more divisors than a head could have',
    change: ({ tensors }) => tensors.set('rope_freqs.weight', zeros(2 ** 18 + 1)),
    kind: FormatError,
    line: /tensor 'rope_freqs\.weight' is too large\./,
  },
  // Tensors
  {
    what: 'no embedding',
    change: ({ tensors }) => tensors.delete('token_embd.weight'),
    kind: FormatError,
    line: /tensor 'token_embd\.weight' is missing\./,
  },
  {
    what: 'an embedding that is a vector',
    change: ({ tensors }) => tensors.set('token_embd.weight', zeros(88)),
    kind: FormatError,
    line: /tensor 'token_embd\.weight' is not a matrix\./,
  },
  {
    what: 'a missing projection',
    change: ({ tensors }) => tensors.delete('blk.1.ffn_up.weight'),
    kind: NotFoundError,
    line: /tensor 'blk\.1\.ffn_up\.weight' is missing\./,
  },
  {
    what: 'a projection that lies on its side',
    change: ({ tensors }) => tensors.set('blk.1.ffn_up.weight', zeros(12, 8)),
    kind: FormatError,
    line: /tensor 'blk\.1\.ffn_up\.weight' is \[8, 12\], expected \[12, 8\]\./,
  },
  {
    what: 'a tensor that no such model has',
    change: ({ tensors }) => tensors.set('blk.0.ffn_gate_inp.weight', zeros(8, 4)),
    kind: UnsupportedModelError,
    line: /a llama model has no tensor 'blk\.0\.ffn_gate_inp\.weight'\./,
  },
  // Containers of something else
  {
    what: 'a later part of a split model by a name that tells nothing',
    change: ({ metadata }) => {
      metadata.set('split.no', typed('u16', 2));
      metadata.set('split.count', typed('u16', 3));
    },
    kind: UnsupportedModelError,
    line: /^x\.gguf: is part 3 of 3 of a split model\. Give its first part, NAME-00001-of-0000N\.gguf\./,
  },
  {
    what: 'an adapter',
    change: ({ metadata }) => metadata.set('adapter.type', typed('string', 'lora')),
    kind: UnsupportedModelError,
    line: /is an adapter \(LoRA\), not a model\./,
  },
  {
    what: 'a vocabulary alone',
    change: ({ tensors }) => tensors.clear(),
    kind: UnsupportedModelError,
    line: /has no tensors, a vocabulary at most\./,
  },
];

const open = async (model: Model): Promise<Awaited<ReturnType<typeof openGgufWeights>>> =>
  openGgufWeights(memoryBytes('x.gguf', serializeGguf(model)));

it.each(refusals)('$what', async ({ change, kind, line, arch = 'llama' }) => {
  const model = tinyModel(arch);
  change(model);
  const error: unknown = await open(model).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(kind);
  expect((error as Error).message).toMatch(line);
  expect((error as Error).message).not.toContain('\n');
});

describe('numbers given once a layer', () => {
  test.prop([fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 2 })])(
    'are one number where all layers agree, and otherwise refused',
    async (windows) => {
      const model = tinyModel('llama');
      llama('attention.sliding_window', { array: 'u32' }, Uint32Array.from(windows))(model);
      const opened = await open(model).catch((caught: unknown) => caught);
      if (new Set(windows).size === 1) expect(opened).toMatchObject({ weights: { config: { family: 'llama' } } });
      else {
        expect(opened).toBeInstanceOf(UnsupportedModelError);
        expect((opened as Error).message).toContain(`different values for each layer (${windows.join(', ')} …)`);
      }
    },
  );
});

describe('a head beside the embedding', () => {
  it.each<[string, (model: Model) => void, boolean]>([
    ['the same bytes', ({ tensors }) => repeat(tensors), true],
    ['one byte apart', ({ tensors }) => (repeat(tensors), flipLast(tensors)), false],
    ['no head', ({ tensors }) => tensors.delete('output.weight'), true],
  ])('%s: tied is %3$s', async (_, change, tied) => {
    const model = tinyModel('llama');
    change(model);
    expect((await open(model)).weights.config.tieWordEmbeddings).toBe(tied);
  });

  it('of another element type is a head of its own, whatever it holds', async () => {
    const model = tinyModel('llama');
    const embedding = model.tensors.get('token_embd.weight');
    if (embedding === undefined) throw new Error('no embedding');
    const halves = { type: { ...embedding.type }, dims: embedding.dims, bytes: embedding.bytes };
    model.tensors.set('output.weight', halves);
    expect((await open(model)).weights.config.tieWordEmbeddings).toBe(true);
    const { quantTypes } = await import('../../../src/formats/gguf/quantTypes.ts');
    const bytes = new Uint8Array(embedding.bytes.length / 2);
    model.tensors.set('output.weight', { type: quantTypes.F16, dims: embedding.dims, bytes });
    expect((await open(model)).weights.config.tieWordEmbeddings).toBe(false);
  });
});

function repeat(tensors: Model['tensors']): void {
  const embedding = tensors.get('token_embd.weight');
  if (embedding !== undefined) tensors.set('output.weight', { ...embedding, bytes: embedding.bytes.slice() });
}

function flipLast(tensors: Model['tensors']): void {
  const head = tensors.get('output.weight');
  if (head !== undefined) head.bytes[head.bytes.length - 1] ^= 1;
}

describe('a writer', () => {
  it.each<[GgufType, Parameters<typeof typed>[1], RegExp]>([
    ['u8', 256, /GGUF key 'general\.name' of type u8 cannot hold 256\./],
    ['u32', -1, /of type u32 cannot hold -1\./],
    ['bool', 1, /of type bool cannot hold 1\./],
    ['string', 1, /of type string cannot hold 1\./],
    ['u32', 'one', /of type u32 cannot hold one\./],
    ['f32', Float32Array.of(1), /of type f32 cannot hold an array\./],
  ])('refuses a value that is not of its type: %s', (type, value, line) => {
    const model = tinyModel('llama');
    model.metadata.set('general.name', typed(type, value));
    expect(() => serializeGguf(model)).toThrow(ShapeError);
    expect(() => serializeGguf(model)).toThrow(line);
  });

  it('refuses an alignment that is not a number', () => {
    const model = tinyModel('llama');
    model.metadata.set('general.alignment', typed('string', '32'));
    expect(() => serializeGguf(model)).toThrow(new ShapeError('general.alignment is not a number.'));
  });
});
