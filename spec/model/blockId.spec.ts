import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { MaskError } from '../../src/errors.ts';
import { formatBlock, parseBlock, walkIndex } from '../../src/model/blockId.ts';
import { blocksInWalkOrder } from './layers.ts';

const layerCounts = fc.integer({ min: 1, max: 200 });

test.prop([layerCounts, fc.nat()])('a name is read back as its block', (layers, some) => {
  const block = blocksInWalkOrder(layers)[some % (2 * layers)];
  expect(parseBlock(formatBlock(block), layers)).toEqual(block);
  expect(parseBlock(` ${formatBlock(block)}\n`, layers)).toEqual(block);
});

test.prop([layerCounts])('walk order is L0.mha, L0.mlp, L1.mha …, and walkIndex is the place in it', (layers) => {
  const blocks = blocksInWalkOrder(layers);
  expect(blocks.map(formatBlock)).toEqual(
    Array.from({ length: layers }, (_, layer) => [`L${layer}.mha`, `L${layer}.mlp`]).flat(),
  );
  expect(blocks.map(walkIndex)).toEqual([...blocks.keys()]);
});

it.each([
  '',
  'L1',
  'L1.',
  'L1.MLP',
  'l1.mlp',
  'L01.mlp',
  'L-1.mlp',
  'L1.5.mlp',
  'L1.mlpx',
  'xL1.mlp',
  'L1 .mlp',
  'L1.mlp,L0.mha',
])('refuses %j', (text) => expect(() => parseBlock(text, 3)).toThrow(MaskError));

it('refuses a layer the model does not have, and says which it has', () => {
  expect(() => parseBlock('L3.mha', 3)).toThrow(/'L3.mha'.*L0 … L2/);
  expect(() => parseBlock('L9999999.mha', 3)).toThrow(MaskError);
});

test.prop([fc.string()])('any text is a block of the model or a MaskError', (text) => {
  try {
    expect(formatBlock(parseBlock(text, 4))).toBe(text.trim());
  } catch (error) {
    expect(error).toBeInstanceOf(MaskError);
  }
});
