import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { element } from '../../src/drawing/html.ts';
import { drawing, line, text, tooltip } from '../../src/drawing/svg.ts';
import { HOSTILE_TEXTS } from '../prune/report/arbitraryResult.ts';
import { elementsOf, parseMarkup, textOf } from '../prune/report/parseMarkup.ts';

const words = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string()).map((raw) => raw.replaceAll(/\p{Cc}/gu, ''));
const length = fc.double({ min: 0.01, max: 5000, noNaN: true });
const place = fc.double({ min: -5000, max: 5000, noNaN: true });

describe('a drawing', () => {
  test.prop([length, length, words, words])(
    'is an image with a name and a description',
    (width, height, title, description) => {
      const { markup } = drawing({ width, height, class: 'chart' }, { title, description }, line(0, 0, 1, 1, 'grid'));
      const [svg, ...others] = elementsOf(parseMarkup(markup));
      const size = [Math.ceil(width), Math.ceil(height)];
      expect(svg.attributes).toMatchObject({ role: 'img', class: 'chart', viewBox: `0 0 ${size.join(' ')}` });
      expect(svg.attributes.width).toBe(String(size[0]));
      // Its height follows from the view box, so that a narrow page can shrink it.
      expect(svg.attributes).not.toHaveProperty('height');
      expect(others.map(({ name }) => name)).toEqual(['title', 'desc', 'line']);
      expect(others.slice(0, 2).map(textOf)).toEqual([title, description]);
    },
  );

  test.prop([length])('never cuts its content: the view box is whole pixels, none too few', (width) => {
    const { markup } = drawing({ width, height: width }, { title: 't', description: 'd' });
    const [svg] = elementsOf(parseMarkup(markup));
    const [, , across, down] = svg.attributes.viewBox.split(' ').map(Number);
    expect(Number.isInteger(across) && across >= width && across < width + 1).toBe(true);
    expect(down).toBe(across);
    expect(svg.attributes).not.toHaveProperty('class');
  });
});

describe('a shape', () => {
  test.prop([place, place, place, place])('is a line from here to there, within a hundredth', (...ends) => {
    const [node] = elementsOf(parseMarkup(line(...ends, 'axis').markup));
    const { x1, y1, x2, y2 } = node.attributes;
    const off = [x1, y1, x2, y2].map((written, index) => Math.abs(Number(written) - ends[index]));
    expect(Math.max(...off)).toBeLessThan(0.0051);
    expect([node.name, node.attributes.class]).toEqual(['line', 'axis']);
  });

  test.prop([place, place, words, words])('is words at a place, which stay words', (x, y, said, anchor) => {
    const [node, ...inside] = elementsOf(parseMarkup(text(x, y, said, { 'text-anchor': anchor }).markup));
    expect([textOf(node), node.attributes['text-anchor'], inside]).toEqual([said, anchor, []]);
    expect(Math.abs(Number(node.attributes.x) - x)).toBeLessThan(0.0051);
    expect(Math.abs(Number(node.attributes.y) - y)).toBeLessThan(0.0051);
  });

  test.prop([words])('has a tooltip: a title inside it', (said) => {
    const [shape, title] = elementsOf(parseMarkup(element('rect', { x: 1 }, tooltip(said)).markup));
    expect([shape.name, title.name, textOf(title)]).toEqual(['rect', 'title', said]);
  });

  it.each([NaN, Infinity, -Infinity])('is refused at %s', (bad) => {
    expect(() => line(0, bad, 1, 1, 'a')).toThrow(RangeError);
    expect(() => text(bad, 0, 'a')).toThrow(RangeError);
    expect(() => line(0, 0, 1, bad, 'a')).toThrow('a coordinate must be finite');
  });
});
