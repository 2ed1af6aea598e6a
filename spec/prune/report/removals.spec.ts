import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { MaskError } from '../../../src/errors.ts';
import { formatBlock } from '../../../src/model/blockId.ts';
import { finalFigures, lastStep, parseUnit, removalsOf } from '../../../src/prune/report/removals.ts';
import { arbitraryResult } from './arbitraryResult.ts';

describe('removals', () => {
  test('a block and a whole layer are read for what they are', () => {
    expect(parseUnit('L5.mlp', 6)).toMatchObject({ kind: 'mlp', layer: 5 });
    expect(parseUnit('L5.mha,L5.mlp', 6)).toEqual({
      kind: 'layer',
      layer: 5,
      blocks: [
        { layer: 5, kind: 'mha' },
        { layer: 5, kind: 'mlp' },
      ],
    });
  });

  test.each(['', 'L6.mlp', 'L5.mha,', 'L5', '<b>'])('%j is not a unit of a model with six layers', (text) => {
    expect(() => parseUnit(text, 6)).toThrow(MaskError);
  });

  test.prop([arbitraryResult()])('the steps tell the same removals as the document’s own list', (result) => {
    expect(removalsOf(result).map(({ block }) => formatBlock(block))).toEqual(result.removed);
  });

  test.prop([arbitraryResult()])('a last step that removed nothing does not change the final figures', (result) => {
    const last = lastStep(result);
    expect(last?.removed ?? 'nothing').not.toBeNull();
    expect(finalFigures(result).ppl).toBe(last === null ? result.dense.ppl : last.ppl);
    const [barren] = result.steps.slice(-1);
    if (barren !== undefined && barren.removed === null) expect(last?.step ?? 0).toBe(result.steps.length - 1);
  });
});
