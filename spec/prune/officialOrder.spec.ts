import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { formatBlock, walkIndex, type BlockId } from '../../src/model/blockId.ts';
import { readOfficialOrder, writeOfficialOrder } from '../../src/prune/officialOrder.ts';
import { someTextDamage } from './damagedText.ts';
import { blocksInWalkOrder, layersOf } from '../model/layers.ts';

const LAYERS = 5;
const sorted = (blocks: readonly BlockId[]): BlockId[] => blocks.toSorted((a, b) => walkIndex(a) - walkIndex(b));
const read = (text: string): BlockId[][] => readOfficialOrder(text, 'order.json', layersOf(LAYERS));

/** Removals in steps of 0 … 3 blocks. */
const someSteps: fc.Arbitrary<BlockId[][]> = fc
  .tuple(fc.shuffledSubarray(blocksInWalkOrder(LAYERS)), fc.array(fc.nat(3), { maxLength: 12 }))
  .map(([blocks, sizes]) => {
    let at = 0;
    return sizes.map((size) => blocks.slice(at, (at += size)));
  });

describe('the official order file', () => {
  test.prop([someSteps])('reads back what was written; within a step by layer', (steps) => {
    expect(read(writeOfficialOrder(steps))).toEqual(steps.map(sorted));
  });

  test.prop([someSteps])('holds one set a step, sorted by layer, each within the next', (steps) => {
    const entries = JSON.parse(writeOfficialOrder(steps)) as Record<string, [string, number][]>;
    expect(Object.keys(entries)).toEqual(steps.map((_, index) => String(index + 1)));
    let before: string[] = [];
    for (const [index, set] of Object.values(entries).entries()) {
      const names = set.map(([kind, layer]) => `L${layer}.${kind}`);
      expect(names).toEqual(sorted(steps.slice(0, index + 1).flat()).map(formatBlock));
      expect(before.every((name) => names.includes(name))).toBe(true);
      before = names;
    }
  });

  it('is, letter by letter', () => {
    const text = '{"1":[["mlp",4]],"2":[["mha",3],["mlp",4]],"3":[["mha",3],["mlp",4]]}\n';
    const steps: BlockId[][] = [[{ kind: 'mlp', layer: 4 }], [{ kind: 'mha', layer: 3 }], []];
    expect(writeOfficialOrder(steps)).toBe(text);
    expect(read(text)).toEqual(steps);
    expect(read(' { "2" : [ ["mlp", 4] ], "1" : [] } ')).toEqual([[], [{ kind: 'mlp', layer: 4 }]]);
    expect(read('{}')).toEqual([]);
  });

  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;

  it.each<[string, string, RegExp]>([
    ['no JSON', '{"1":', /order\.json: is not valid JSON/],
    ['nothing', '', /not valid JSON/],
    ['a list', '[["mha",1]]', /is not a del_order_list/],
    ['null', 'null', /is not a del_order_list/],
    ['a number', '7', /is not a del_order_list/],
    ['a step left out', '{"1":[],"3":[]}', /step 2: is missing or not a list/],
    ['steps from 0', '{"0":[],"1":[]}', /step 2: is missing/],
    ['other keys', '{"__proto__":[]}', /step 1: is missing/],
    ['a set that is none', '{"1":{"mha":1}}', /step 1: is missing or not a list/],
    ['a bare kind', '{"1":["mha"]}', /step 1: entry 1 is not a pair/],
    ['another kind', '{"1":[["mha",0],["ffn",1]]}', /step 1: entry 2 is not a pair/],
    ['a kind from a prototype', '{"1":[["constructor",1]]}', /entry 1 is not a pair/],
    ['a layer as text', '{"1":[["mha","1"]]}', /entry 1 is not a pair/],
    ['half a layer', '{"1":[["mha",0.5]]}', /entry 1 is not a pair/],
    ['a third member', '{"1":[["mha",1,2]]}', /entry 1 is not a pair/],
    ['a layer too many', '{"1":[["mha",5]]}', /step 1: L5\.mha is not a block of the model, which has 5 layers/],
    ['a negative layer', '{"1":[["mlp",-1]]}', /L-1\.mlp is not a block/],
    ['a block twice', '{"1":[["mlp",1],["mlp",1]]}', /step 1: L1\.mlp is named twice/],
    ['a block that comes back', '{"1":[["mlp",1]],"2":[["mha",1]]}', /step 2: L1\.mlp was removed before and is back/],
    ['lists in lists', `{"1":[${deep}]}`, /entry 1 is not a pair/],
  ])('refuses %s', (_, text, message) => {
    expect(() => read(text)).toThrow(FormatError);
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).toThrow('order.json');
  });

  test.prop([someSteps, someTextDamage], { numRuns: 10_000 })(
    'damaged, it is refused as such or still tells removals that can be written again',
    (steps, damage) => {
      try {
        const found = read(damage(writeOfficialOrder(steps)));
        expect(read(writeOfficialOrder(found))).toEqual(found.map(sorted));
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        expect(error.message.length).toBeLessThan(200);
      }
    },
  );
});
