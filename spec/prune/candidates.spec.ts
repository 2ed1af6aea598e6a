import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { formatBlock, walkIndex } from '../../src/model/blockId.ts';
import { Mask } from '../../src/model/mask.ts';
import {
  candidatesLeft,
  checkStopRules,
  pruneKinds,
  type PruneKind,
  type StopRules,
} from '../../src/prune/candidates.ts';
import { someMask } from './tinySearch.ts';
import { layersOf } from '../model/layers.ts';

const names = (kind: PruneKind, layers: number, mask = ''): string[] =>
  candidatesLeft(kind, layersOf(layers), Mask.parse(mask, layersOf(layers))).map(({ name }) => name);

describe('candidatesLeft', () => {
  it.each<[PruneKind, string[]]>([
    ['mix', ['L0.mha', 'L1.mha', 'L2.mha', 'L0.mlp', 'L1.mlp', 'L2.mlp']],
    ['mha', ['L0.mha', 'L1.mha', 'L2.mha']],
    ['mlp', ['L0.mlp', 'L1.mlp', 'L2.mlp']],
    ['layer', ['L0.mha,L0.mlp', 'L1.mha,L1.mlp', 'L2.mha,L2.mlp']],
  ])('%s: all MHA by layer, then all MLP by layer', (kind, expected) => {
    expect(names(kind, 3)).toEqual(expected);
  });

  it('leaves out a layer of which one block is gone', () => {
    expect(names('layer', 3, 'L1.mlp,L2.mha')).toEqual(['L0.mha,L0.mlp']);
  });

  const someCase = fc.integer({ min: 1, max: 12 }).chain((layers) => fc.tuple(fc.constant(layers), someMask(layers)));

  test.prop([fc.constantFrom(...pruneKinds), someCase])(
    'under a mask: those of the empty mask that it does not touch, in the same order',
    (kind, [layers, mask]) => {
      const all = candidatesLeft(kind, layersOf(layers), Mask.empty);
      const left = candidatesLeft(kind, layersOf(layers), mask);
      expect(left).toEqual(all.filter(({ blocks }) => blocks.every((block) => !mask.has(block))));
    },
  );

  test.prop([fc.constantFrom(...pruneKinds), someCase])(
    'what the sweep asks for: blocks adjacent in the walk, none shared, names that tell them',
    (kind, [layers, mask]) => {
      const left = candidatesLeft(kind, layersOf(layers), mask);
      for (const { name, blocks } of left) {
        expect(name).toBe(blocks.map(formatBlock).join(','));
        for (const [i, block] of blocks.entries()) expect(walkIndex(block)).toBe(walkIndex(blocks[0]) + i);
      }
      const blocks = left.flatMap((candidate) => candidate.blocks.map(formatBlock));
      expect(new Set(blocks).size).toBe(blocks.length);
    },
  );
});

describe('checkStopRules', () => {
  it.each<[StopRules, PruneKind]>([
    [{ blocks: 1 }, 'mix'],
    [{ blocks: 6 }, 'mix'],
    [{ blocks: 3 }, 'mha'],
    [{ blocks: 3 }, 'mlp'],
    [{ blocks: 6 }, 'layer'],
    [{ ratio: 0.001 }, 'mix'],
    [{ ratio: 0.999 }, 'mix'],
    [{ maxPpl: 1 }, 'mix'],
    [{ blocks: 2, ratio: 0.5, maxPpl: 1e300 }, 'mix'],
  ])('accepts %j (%s) for three layers', (stop, kind) => {
    expect(() => checkStopRules(stop, kind, layersOf(3))).not.toThrow();
  });

  it.each<[StopRules, PruneKind, RegExp]>([
    [{}, 'mix', /no stop rule.*--blocks, --ratio, --max-ppl or --max-increase/],
    [{ blocks: undefined }, 'mix', /no stop rule/],
    [{ blocks: 0 }, 'mix', /--blocks 0: the model has 6 blocks.*1 … 6/],
    [{ blocks: -1 }, 'mix', /--blocks -1/],
    [{ blocks: 1.5 }, 'mix', /--blocks 1.5/],
    [{ blocks: NaN }, 'mix', /--blocks NaN/],
    [{ blocks: 7 }, 'mix', /--blocks 7: the model has 6 blocks/],
    [{ blocks: 4 }, 'mha', /the model has 3 MHA blocks.*1 … 3/],
    [{ blocks: 4 }, 'mlp', /the model has 3 MLP blocks/],
    [{ blocks: 3 }, 'layer', /two blocks at a time.*even/],
    [{ blocks: 8 }, 'layer', /the model has 6 blocks/],
    [{ ratio: 0 }, 'mix', /--ratio 0 is not between 0 and 1/],
    [{ ratio: 1 }, 'mix', /--ratio 1 /],
    [{ ratio: 20 }, 'mix', /such as 0\.2/],
    [{ ratio: NaN }, 'mix', /--ratio NaN/],
    [{ maxIncrease: -1 }, 'mix', /--max-increase -1 is not a percentage/],
    [{ maxIncrease: NaN }, 'mix', /--max-increase NaN is not a percentage/],
    [{ maxIncrease: Infinity }, 'mix', /--max-increase Infinity is not a percentage/],
    [{ maxPpl: 0.99 }, 'mix', /--max-ppl 0\.99 is not a perplexity/],
    [{ maxPpl: Infinity }, 'mix', /--max-ppl Infinity/],
    [{ maxPpl: NaN }, 'mix', /--max-ppl NaN/],
    [{ blocks: 2, ratio: 2 }, 'mix', /--ratio 2 /],
  ])('refuses %j (%s) for three layers', (stop, kind, message) => {
    expect(() => checkStopRules(stop, kind, layersOf(3))).toThrow(UsageError);
    expect(() => checkStopRules(stop, kind, layersOf(3))).toThrow(message);
  });
});
