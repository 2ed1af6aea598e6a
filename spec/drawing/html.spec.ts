import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { coordinate, element, escapeHtml } from '../../src/drawing/html.ts';
import { HOSTILE_TEXTS } from '../prune/report/arbitraryResult.ts';
import { elementsOf, parseMarkup, textOf } from '../prune/report/parseMarkup.ts';

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE_TEXTS));
const printable = (text: string): string => [...text].filter((character) => !/\p{Cc}/u.test(character)).join('');

describe('markup', () => {
  test.prop([anyText])('text comes back as it was, from between tags and from an attribute', (raw) => {
    const text = printable(raw);
    const [node] = elementsOf(parseMarkup(element('p', { title: text }, text).markup));
    expect([node.attributes.title, textOf(node)]).toEqual([text, text]);
  });

  test.prop([anyText])('escaped text holds none of the characters that end it', (raw) => {
    expect(escapeHtml(raw)).not.toMatch(/[<>"']/);
  });

  test('controls that HTML forbids become the replacement character; tab and line feed stay', () => {
    expect(escapeHtml('a\u0000b\u001bc\u0085d\te\nf')).toBe('a\uFFFDb\uFFFDc\uFFFDd\te\nf');
  });

  test('children nest, null is nothing and an undefined attribute is left out', () => {
    const made = element('ul', { class: undefined, id: 'x' }, [element('li', {}, 'a & b'), null], element('li'));
    expect(made.markup).toBe('<ul id="x"><li>a &amp; b</li><li></li></ul>');
  });

  test.prop([fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e9, max: 1e9 })])(
    'a coordinate is a plain decimal within a hundredth',
    (value) => {
      expect(coordinate(value)).toMatch(/^-?\d+(\.\d{1,2})?$/);
      expect(Math.abs(Number(coordinate(value)) - value)).toBeLessThanOrEqual(0.0051);
    },
  );

  test.each([NaN, Infinity, -Infinity])('%s is refused as a coordinate', (value) => {
    expect(() => coordinate(value)).toThrow(RangeError);
    expect(() => element('rect', { x: value })).toThrow(RangeError);
  });
});
