import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { renderLayerPicture } from '../../../src/prune/report/layerPicture.ts';
import { arbitraryResult } from './arbitraryResult.ts';
import { childText, elementsOf, parseMarkup, withClass } from './parseMarkup.ts';

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);

describe('layer picture', () => {
  test.prop([arbitraryResult(), fc.integer({ min: 1, max: 40 })])(
    'each removed block is shown exactly once, with its step; all the others are kept',
    (result, layersPerStrip) => {
      const drawing = parseMarkup(renderLayerPicture(result, layersPerStrip).markup);
      const shown = withClass(drawing, 'gone').map((node) => {
        const name = (childText(node, 'title') ?? '').split(':')[0];
        return { name, step: childText(node, 'text') };
      });
      const expected = result.steps.flatMap(({ removed, step }) => {
        return removed === null ? [] : removed.split(',').map((name) => ({ name, step: String(step) }));
      });
      expect(shown.toSorted(byName)).toEqual(expected.toSorted(byName));
      expect(withClass(drawing, 'kept')).toHaveLength(result.model.blocks - expected.length);
    },
  );

  test.prop([arbitraryResult(), fc.integer({ min: 1, max: 40 })])(
    'no two cells overlap and none leaves the drawing',
    (result, layersPerStrip) => {
      const drawing = parseMarkup(renderLayerPicture(result, layersPerStrip).markup);
      const [svg] = elementsOf(drawing);
      const [, , width, height] = svg.attributes.viewBox.split(' ').map(Number);
      const boxes = elementsOf(drawing)
        .filter(({ name }) => name === 'rect')
        .map(({ attributes }) => attributes);
      expect(new Set(boxes.map(({ x, y }) => `${x} ${y}`)).size).toBe(result.model.blocks);
      expect(
        boxes.every(
          (box) => Number(box.x) + Number(box.width) <= width && Number(box.y) + Number(box.height) <= height,
        ),
      ).toBe(true);
    },
  );

  test.prop([arbitraryResult(), fc.integer({ min: 1, max: 40 })])(
    'reads like a text: layers run from left to right, strip after strip',
    (result, layersPerStrip) => {
      const drawing = parseMarkup(renderLayerPicture(result, layersPerStrip).markup);
      const groups = elementsOf(drawing).filter(({ name }) => name === 'g');
      const places = groups
        .filter((group) => (childText(group, 'title') ?? '').includes('.mha: '))
        .map((group) => {
          const box = elementsOf(group).find(({ name }) => name === 'rect');
          const layer = Number(/^L(\d+)/.exec(childText(group, 'title') ?? '')?.[1]);
          return { layer, x: Number(box?.attributes.x), y: Number(box?.attributes.y) };
        });
      const read = places.toSorted((a, b) => a.y - b.y || a.x - b.x).map(({ layer }) => layer);
      expect(read).toEqual(Array.from({ length: result.model.numHiddenLayers }, (_, layer) => layer));
    },
  );
});
