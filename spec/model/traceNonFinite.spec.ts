import { describe, expect, it } from 'vitest';
import { Mask } from '../../src/model/mask.ts';
import { traceNonFinite } from '../../src/model/traceNonFinite.ts';
import { layersOf } from './layers.ts';
import { backendBytes, onReference, onSimd } from './namedBackends.ts';
import { cancelling, poke } from './nonFiniteModels.ts';
import { tinyTransformer, type TinyOptions } from './tinyTransformer.ts';

const ids = Int32Array.of(3, 1, 4, 1, 5, 9);
const layer1 = 'model.layers.1';

/** What is broken, the model, and what the trace must say. */
const cases: [string, TinyOptions, { place: string; tensor: string | null; stored: boolean }][] = [
  ...['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj', 'self_attn.o_proj', 'input_layernorm'].map(
    (name): (typeof cases)[number] => [
      `NaN in ${name}`,
      { edit: poke(`${layer1}.${name}.weight`, 7, NaN) },
      { place: 'L1.mha', tensor: `${layer1}.${name}.weight`, stored: true },
    ],
  ),
  ...['gate_proj', 'up_proj', 'down_proj'].map((name): (typeof cases)[number] => [
    `an infinity in ${name}`,
    { edit: poke(`${layer1}.mlp.${name}.weight`, 7, -Infinity) },
    { place: 'L1.mlp', tensor: `${layer1}.mlp.${name}.weight`, stored: true },
  ]),
  [
    'NaN in the row of a token that occurs',
    { edit: poke('model.embed_tokens.weight', 16 * 4 + 2, NaN) },
    { place: 'the embedding', tensor: 'model.embed_tokens.weight', stored: true },
  ],
  [
    'NaN in a learned position',
    {
      family: 'gpt2',
      edit: (tensors) => {
        const name = [...tensors.keys()].find((key) => key.endsWith('wpe.weight')) ?? '';
        poke(name, 16 * 2, NaN)(tensors);
      },
    },
    { place: 'the embedding', tensor: 'transformer.wpe.weight', stored: true },
  ],
  [
    'NaN in the final norm',
    { edit: poke('model.norm.weight', 3, NaN) },
    { place: 'the head', tensor: 'model.norm.weight', stored: true },
  ],
  [
    'NaN in the head',
    { edit: poke('lm_head.weight', 16 * 30, NaN) },
    { place: 'the head', tensor: 'lm_head.weight', stored: true },
  ],
  [
    'overflow in a projection',
    { edit: (tensors) => tensors.get(`${layer1}.mlp.down_proj.weight`)?.data.fill(3e38) },
    { place: 'L1.mlp', tensor: `${layer1}.mlp.down_proj.weight`, stored: false },
  ],
];

describe.each([onReference, onSimd('plain', 1)])('on $name: the trace names where', ({ missing, open }) => {
  it.skipIf(missing).each(cases)('%s', async (_, options, found) => {
    const backend = await open();
    const { model } = await tinyTransformer({ ...options, backend, weightBytes: backendBytes / 2 });
    expect(await traceNonFinite(model, ids, Mask.empty)).toMatchObject(found);
    model.free();
    expect(backend.bytesInUse()).toBe(0);
    await backend.dispose();
  });
});

describe('the trace', () => {
  it('says nothing of a sound model', async () => {
    const { model } = await tinyTransformer();
    expect(await traceNonFinite(model, ids, Mask.empty)).toBeNull();
    expect(await traceNonFinite(model, ids, Mask.parse('L0.mha,L1.mlp', layersOf(2)))).toBeNull();
  });

  it.each([onReference, onSimd('plain', 1)])('names the head where the logits of one token overflow', async (on) => {
    if (on.missing) return;
    const backend = await on.open();
    const edit: TinyOptions['edit'] = (tensors) => tensors.get('lm_head.weight')?.data.fill(3e38, 16 * 7, 16 * 8);
    const { model } = await tinyTransformer({ edit, backend, weightBytes: backendBytes / 2 });
    const found = { place: 'the head', tensor: 'lm_head.weight', stored: false };
    expect(await traceNonFinite(model, Int32Array.of(3, 7, 1, 7, 7, 9, 7, 2, 7), Mask.empty)).toMatchObject(found);
    await backend.dispose();
  });

  it('does not blame the row of a token that does not occur', async () => {
    const { model } = await tinyTransformer({ edit: poke('model.embed_tokens.weight', 16 * 30, NaN) });
    expect(await traceNonFinite(model, ids, Mask.empty)).toBeNull();
  });

  it('follows the mask: what overflows only without a block is found there', async () => {
    const { model } = await tinyTransformer(cancelling);
    expect(await traceNonFinite(model, ids, Mask.empty)).toBeNull();
    expect(await traceNonFinite(model, ids, Mask.parse('L0.mlp', layersOf(2)))).toMatchObject({
      place: 'L1.mha',
      tensor: null,
      reason: expect.stringContaining('in add'),
      stored: false,
    });
  });

  it('names the first block that is broken, not a later one', async () => {
    const edit: TinyOptions['edit'] = (tensors) => {
      for (const name of ['layers.0.mlp.up_proj', 'layers.1.mlp.up_proj'])
        poke(`model.${name}.weight`, 0, NaN)(tensors);
    };
    const { model } = await tinyTransformer({ edit });
    expect(await traceNonFinite(model, ids, Mask.empty)).toMatchObject({ place: 'L0.mlp' });
    expect(await traceNonFinite(model, ids, Mask.parse('L0.mlp', layersOf(2)))).toMatchObject({ place: 'L1.mlp' });
  });
});
