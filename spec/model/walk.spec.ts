import { test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { formatBlock } from '../../src/model/blockId.ts';
import { Mask } from '../../src/model/mask.ts';
import { walkOf } from '../../src/model/walk.ts';
import { layersOf } from './layers.ts';
import { someBlocks } from './modelArbitraries.ts';

const LAYERS = 5;
const config = layersOf(LAYERS);
const whole = ['L0.mha', 'L0.mlp', 'L1.mha', 'L1.mlp', 'L2.mha', 'L2.mlp', 'L3.mha', 'L3.mlp', 'L4.mha', 'L4.mlp'];

test.prop([someBlocks(LAYERS)])('a walk is the whole walk without what is masked, in order', (blocks) => {
  const masked = new Set(blocks.map(formatBlock));
  expect(walkOf(config, Mask.of(blocks)).map(formatBlock)).toEqual(whole.filter((name) => !masked.has(name)));
  expect(walkOf(config).map(formatBlock)).toEqual(whole);
});
