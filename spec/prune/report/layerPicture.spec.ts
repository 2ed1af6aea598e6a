import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { layerSection } from '../../../src/prune/report/figureSections.ts';
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

  test.prop([arbitraryResult(), fc.nat()])('a block that the model never had is shown as not there', (result, some) => {
    const { numHiddenLayers } = result.model;
    const gone = new Set(result.steps.flatMap(({ removed }) => removed?.split(',') ?? []));
    const left = Array.from({ length: numHiddenLayers }, (_, layer) => [`L${layer}.mha`, `L${layer}.mlp`])
      .flat()
      .filter((name) => !gone.has(name));
    const absent = left.filter((_, index) => (some >> (index % 20)) % 2 === 1);
    const cut = { ...result, model: { ...result.model, absent } };
    const drawing = parseMarkup(renderLayerPicture(cut, 8).markup);
    const titles = withClass(drawing, 'absent').map((node) => childText(node, 'title'));
    expect(titles.toSorted()).toEqual(absent.map((name) => `${name}: not in the model`).toSorted());
    expect(withClass(drawing, 'kept')).toHaveLength(left.length - absent.length);
    const whole = numHiddenLayers - new Set([...gone, ...absent].map((name) => name.split('.')[0])).size;
    if (gone.size > 0) expect(layerSection(cut).markup).toContain(`${whole} layer${whole === 1 ? '' : 's'} kept both`);
  });

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
