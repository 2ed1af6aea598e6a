import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { MaskError } from '../../src/errors.ts';
import { walkIndex } from '../../src/model/blockId.ts';
import { Mask } from '../../src/model/mask.ts';
import { blocksInWalkOrder, layersOf } from './layers.ts';
import { someBlocks } from './modelArbitraries.ts';

const LAYERS = 5;
const all = blocksInWalkOrder(LAYERS);
const blockLists = someBlocks(LAYERS);

test.prop([blockLists])('the text form is read back, the order of removal included', (blocks) => {
  const mask = Mask.of(blocks);
  const read = Mask.parse(mask.toString(), layersOf(LAYERS));
  expect(read.blocks).toEqual(blocks);
  expect(read.toString()).toBe(mask.toString());
});

test.prop([blockLists])('has exactly the blocks it was made of', (blocks) => {
  const mask = Mask.of(blocks);
  expect(mask.size).toBe(blocks.length);
  const removed = all.filter((block) => mask.has(block)).map(walkIndex);
  expect(removed).toEqual(blocks.map(walkIndex).sort((a, b) => a - b));
});

test.prop([blockLists, fc.nat(), fc.nat()])('the order of removal does not change the set', (blocks, cut, turn) => {
  const turned = [...blocks.slice(turn % (blocks.length + 1)), ...blocks.slice(0, turn % (blocks.length + 1))];
  const at = cut % (blocks.length + 1);
  const inSteps = Mask.of(turned.slice(0, at)).with(turned.slice(at));
  for (const block of all) expect(inSteps.has(block)).toBe(Mask.of(blocks).has(block));
});

test.prop([blockLists, fc.nat()])('refuses a block that is removed already, and stays as it was', (blocks, some) => {
  fc.pre(blocks.length > 0);
  const mask = Mask.of(blocks);
  const again = blocks[some % blocks.length];
  expect(() => mask.with([again])).toThrow(MaskError);
  expect(() => Mask.of([...blocks, again])).toThrow(MaskError);
  expect(() => Mask.parse(`${mask},${mask}`, layersOf(LAYERS))).toThrow(/twice/);
  expect(mask.blocks).toEqual(blocks);
});

it('an empty text is the empty mask; spaces around names do not count', () => {
  expect(Mask.parse(' \n', layersOf(LAYERS)).size).toBe(0);
  expect(Mask.parse(' L2.mlp , L0.mha', layersOf(LAYERS)).toString()).toBe('L2.mlp,L0.mha');
  expect(Mask.empty.toString()).toBe('');
});

it.each(['L2.mlp,', ',L2.mlp', 'L2.mlp,,L1.mha', 'L2.mlp L1.mha', 'L5.mha', 'all'])('refuses %j', (text) => {
  expect(() => Mask.parse(text, layersOf(LAYERS))).toThrow(MaskError);
});
