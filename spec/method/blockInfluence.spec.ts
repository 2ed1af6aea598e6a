import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { Mask } from '../../src/model/mask.ts';
import { candidatesLeft, pruneKinds, type PruneKind } from '../../src/prune/candidates.ts';
import { blockInfluence } from '../../src/prune/methods/blockInfluence.ts';
import { families, type TinyOptions } from '../model/tinyTransformer.ts';
import { layersOf } from '../model/layers.ts';
import { simdBackends, tinyChunks } from '../prune/tinySearch.ts';
import { plainInfluence } from './plainInfluence.ts';
import { finish, methodRun, resultOf, scoresOf } from './tinyMethod.ts';

const scores = async (kind: PruneKind, tiny: TinyOptions = {}): Promise<Record<string, number>> =>
  scoresOf(await resultOf(blockInfluence, { kind }, tiny));

/** The tensors of one kind set to zero in one layer, or in all. */
function zero(pattern: RegExp): TinyOptions {
  return {
    edit: (tensors) => {
      for (const [name, { data }] of tensors) if (pattern.test(name)) data.fill(0);
    },
  };
}

describe('Block Influence', () => {
  test.prop([fc.constantFrom(...families), fc.constantFrom(...pruneKinds), fc.nat(99)], { numRuns: 15 })(
    'is what the plain twin says, and lies in [0, 2]',
    async (family, kind, seed) => {
      const tiny = { family, seed, layers: 2 };
      const { options } = await methodRun(blockInfluence, { kind, chunks: tinyChunks(seed, 2, 7) }, tiny);
      const candidates = candidatesLeft(kind, layersOf(2), Mask.empty);
      const plain = await plainInfluence(options.model, options.chunks, candidates);
      const found = scoresOf(await finish(options));
      for (const [index, { name }] of candidates.entries()) {
        expect(Math.abs(found[name] - plain[index])).toBeLessThan(1e-6);
        expect(found[name]).toBeGreaterThanOrEqual(0);
        expect(found[name]).toBeLessThanOrEqual(2);
      }
    },
  );

  it('of a block that adds nothing is 0, and of its layer that of the other block', async () => {
    const zeroed = zero(/layers\.1\.self_attn\.o_proj/);
    const blocks = await scores('mix', zeroed);
    expect(blocks['L1.mha']).toBe(0);
    expect(blocks['L1.mlp']).toBeGreaterThan(1e-3);
    expect((await scores('layer', zeroed))['L1.mha,L1.mlp']).toBe(blocks['L1.mlp']);
    const both = await scores('layer', zero(/layers\.1\..*(?:o_proj|down_proj)/));
    expect(both['L1.mha,L1.mlp']).toBe(0);
    expect(both['L0.mha,L0.mlp']).toBeGreaterThan(1e-3);
  });

  it('goes first where it is 0', async () => {
    expect((await resultOf(blockInfluence, {}, zero(/layers\.2\.mlp\.down_proj/))).removed[0]).toBe('L2.mlp');
  });

  /** Every token is c·(1, …, 1), which layer 0's MHA turns into (c + a)·(1, …, 1). */
  const constant = (c: number, a: number): TinyOptions => ({
    edit: (tensors) => {
      for (const [name, { data, shape }] of tensors) {
        const cols = shape[1] ?? 0;
        if (name === 'model.embed_tokens.weight') data.fill(c);
        if (name === 'model.layers.0.input_layernorm.weight') data.fill(1);
        if (/layers\.0\.self_attn\.v_proj/.test(name)) data.forEach((_, i) => (data[i] = i % cols === 0 ? 1 : 0));
        if (/layers\.0\.self_attn\.o_proj/.test(name)) data.forEach((_, i) => (data[i] = i % cols === 0 ? a : 0));
      }
    },
  });
  it.each([
    ['only lengthens the stream', 2, 6, 0],
    ['only shortens it', 2, -1.5, 0],
    ['turns it round', 2, -4, 2],
  ])('of a block that %s', async (_, c, a, expected) => {
    expect((await scores('mix', constant(c, a)))['L0.mha']).toBeCloseTo(expected, 6);
  });

  it('does not change when the whole stream is scaled', async () => {
    // Without an epsilon in the norms, and by a power of two, to the last bit.
    const config = { rms_norm_eps: 1e-30 };
    const scaled: TinyOptions['edit'] = (tensors) => {
      for (const [name, { data }] of tensors) {
        if (/embed_tokens|o_proj|down_proj/.test(name)) data.forEach((value, i) => (data[i] = 8 * value));
      }
    };
    for (const kind of ['mix', 'layer'] as const) {
      expect(await scores(kind, { config, edit: scaled })).toEqual(await scores(kind, { config }));
    }
  });

  it('of equal tokens is that of one', async () => {
    const same = (chunk: number): Promise<Record<string, number>> => {
      const chunks = tinyChunks(1, 1, chunk);
      chunks.ids[0].fill(5);
      return resultOf(blockInfluence, { chunks }).then(scoresOf);
    };
    const two = await same(2);
    for (const [name, score] of Object.entries(await same(9))) expect(score).toBeCloseTo(two[name], 5);
  });

  it('counts every token of every chunk alike', async () => {
    const chunks = tinyChunks(7, 4, 6);
    const whole = scoresOf(await resultOf(blockInfluence, { chunks }));
    const parts = await Promise.all(
      chunks.ids.map((ids) => resultOf(blockInfluence, { chunks: { ...chunks, ids: [ids] } }).then(scoresOf)),
    );
    for (const name of Object.keys(whole)) {
      expect(whole[name]).toBeCloseTo(parts.reduce((sum, part) => sum + part[name], 0) / 4, 12);
    }
  });
});

describe.each(simdBackends(1))('Block Influence on $name', ({ make }) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await make();
  });
  afterAll(() => backend.dispose());

  it.each(['mix', 'layer'] as const)('is that of the reference, for %s', async (kind) => {
    const { options } = await methodRun(blockInfluence, { kind }, {}, [], backend);
    const found = scoresOf(await finish(options));
    for (const [name, score] of Object.entries(await scores(kind))) {
      expect(Math.abs(found[name] - score)).toBeLessThan(1e-6);
    }
    options.model.free();
    expect(backend.bytesInUse()).toBe(0);
  });
});
