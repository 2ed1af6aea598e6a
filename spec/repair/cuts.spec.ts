import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { MaskError, UsageError } from '../../src/errors.ts';
import { formatBlock, parseBlock, walkIndex } from '../../src/model/blockId.ts';
import { Mask } from '../../src/model/mask.ts';
import { walkOf } from '../../src/model/walk.ts';
import { cutsOf, repairScopes } from '../../src/repair/cuts.ts';
import { defaultRepair, type RepairInput } from '../../src/repair/repair.ts';
import { someUneven, unevenSource } from '../model/unevenModel.ts';
import { blocksInWalkOrder, layersOf } from '../model/layers.ts';

const LAYERS = 4;
const names = (blocks: readonly Parameters<typeof formatBlock>[0][]): string => blocks.map(formatBlock).join(' ');

/** Some blocks of four layers, neither none nor all of them. */
const partOf = fc
  .shuffledSubarray(blocksInWalkOrder(LAYERS), { minLength: 1, maxLength: 2 * LAYERS - 1 })
  .map((blocks) => Mask.of(blocks));

test.prop([partOf, fc.constantFrom(...repairScopes)])(
  'every block of the model is there once, in walk order',
  (mask, scope) => {
    const { leading, kept } = cutsOf(layersOf(LAYERS), mask, scope);
    const all = [...leading, ...kept.flatMap(({ block, run }) => [block, ...run])];
    expect(names(all)).toBe(names(blocksInWalkOrder(LAYERS)));
    expect(names(kept.map(({ block }) => block))).toBe(names(walkOf(layersOf(LAYERS), mask)));
    for (const block of [...leading, ...kept.flatMap(({ run }) => run)]) expect(mask.has(block)).toBe(true);
  },
);

test.prop([partOf])('all fits every kept block from the first cut on, cuts those before a cut', (mask) => {
  const first = Math.min(...mask.blocks.map(walkIndex));
  for (const { block, run, fitted, missing } of cutsOf(layersOf(LAYERS), mask, 'all').kept) {
    expect(fitted).toBe(walkIndex(block) > first || run.length > 0);
    expect(missing).toBe(fitted);
  }
  for (const { fitted, run } of cutsOf(layersOf(LAYERS), mask, 'cuts').kept) expect(fitted).toBe(run.length > 0);
});

test.prop([someUneven(), fc.infiniteStream(fc.boolean())])(
  'blocks that the model does not have are in no run',
  (shape, draw) => {
    const { config } = unevenSource(shape);
    const take = draw[Symbol.iterator]();
    const blocks = walkOf(config).filter(() => take.next().value === true);
    fc.pre(blocks.length > 0 && blocks.length < walkOf(config).length);
    const { leading, kept } = cutsOf(config, Mask.of(blocks), 'all');
    expect(names([...leading, ...kept.flatMap(({ block, run }) => [block, ...run])])).toBe(names(walkOf(config)));
  },
);

describe('a mask', () => {
  const model = layersOf(2);
  const cuts = (text: string): string => {
    const { leading, kept } = cutsOf(model, Mask.parse(text, model), 'cuts');
    return [
      names(leading),
      ...kept.map(({ block, run, fitted }) => `${formatBlock(block)}${fitted ? '*' : ''} <- ${names(run)}`),
    ].join(' | ');
  };

  it('in the middle is the cut of the block before it', () => {
    expect(cuts('L0.mlp,L1.mha')).toBe(' | L0.mha* <- L0.mlp L1.mha | L1.mlp <- ');
  });

  it('at the beginning has no block before it', () => {
    expect(cuts('L0.mlp,L0.mha')).toBe('L0.mha L0.mlp | L1.mha <-  | L1.mlp <- ');
  });

  it('at the end is a cut too', () => {
    expect(cuts('L1.mlp')).toBe(' | L0.mha <-  | L0.mlp <-  | L1.mha* <- L1.mlp');
  });

  it('that removes nothing, or everything, is refused', () => {
    expect(() => cutsOf(model, Mask.empty, 'all')).toThrow(UsageError);
    expect(() => cutsOf(model, Mask.empty, 'all')).toThrow('nothing to repair');
    expect(() => cutsOf(model, Mask.of(blocksInWalkOrder(2)), 'all')).toThrow(UsageError);
    expect(() => cutsOf(model, Mask.of(blocksInWalkOrder(2)), 'all')).toThrow('no block is left');
  });

  it('of blocks that are not there is refused', () => {
    expect(() => cutsOf(model, Mask.of([parseBlock('L5.mha', 6)]), 'all')).toThrow(MaskError);
  });
});

it('a repair fits every kept block unless told otherwise', () => {
  const settings: RepairInput['settings'] = defaultRepair;
  expect(settings.scope).toBe('all');
});
