import { element, type Attributes, type Child, type Markup } from './html.ts';

/**
 * The few SVG shapes the drawings share. Lengths are CSS pixels; colours live in the style sheet,
 * by class.
 */

/**
 * A drawing with its accessible name and description, as wide as it wants or as the page allows.
 */
export function drawing(
  size: { width: number; height: number; class?: string },
  words: { title: string; description: string },
  ...children: Child[]
): Markup {
  const { width, height } = size;
  return element(
    'svg',
    {
      viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
      width: Math.ceil(width),
      class: size.class,
      role: 'img',
    },
    element('title', {}, words.title),
    element('desc', {}, words.description),
    ...children,
  );
}

export function line(x1: number, y1: number, x2: number, y2: number, className: string): Markup {
  return element('line', { x1, y1, x2, y2, class: className });
}

export function text(x: number, y: number, words: string, attributes: Attributes = {}): Markup {
  return element('text', { x, y, ...attributes }, words);
}

/** What a pointer resting on a shape is told. */
export function tooltip(words: string): Markup {
  return element('title', {}, words);
}
