import { describe, expect, test } from 'vitest';
import { STYLE } from '../../../src/prune/report/style.ts';
import { blend, contrast } from './colour.ts';

type Palette = Record<string, string>;

/** The custom properties of a stretch of the style sheet; a later one wins, as in CSS. */
function colours(css: string): Palette {
  return Object.fromEntries([...css.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value]));
}

const darkAt = STYLE.indexOf('prefers-color-scheme: dark');
const palettes = {
  light: colours(STYLE.slice(0, darkAt)),
  dark: colours(STYLE.slice(darkAt, STYLE.indexOf('@media print'))),
};

describe.each(Object.entries(palettes))('%s palette', (_, palette) => {
  test.each([
    ['ink', 'page'],
    ['ink', 'faint'],
    ['quiet', 'page'],
    ['quiet', 'faint'],
    ['mha', 'page'],
    ['on-accent', 'mha'],
    ['on-accent', 'mlp'],
  ])('%s on %s is legible', (text, ground) => {
    expect(contrast(palette[text], palette[ground])).toBeGreaterThanOrEqual(4.5);
  });

  test.each([0.5, 0.34, 0.2])('a step number on a cell of opacity %d is legible', (opacity) => {
    expect(STYLE).toContain(`fill-opacity: ${opacity};`);
    for (const kind of ['mha', 'mlp']) {
      expect(contrast(palette.ink, blend(palette[kind], palette.page, opacity))).toBeGreaterThanOrEqual(4.5);
    }
  });

  test.each(['mha', 'mlp', 'layer', 'alert'])('the marks of %s stand out from the page', (name) => {
    expect(contrast(palette[name], palette.page)).toBeGreaterThanOrEqual(3);
  });
});

describe('style sheet', () => {
  test('defines every colour it uses, in both palettes', () => {
    const used = new Set([...STYLE.matchAll(/var\(--([\w-]+)\)/g)].map(([, name]) => name));
    expect([...used].filter((name) => !(name in palettes.light))).toEqual([]);
    expect(Object.keys(palettes.dark).toSorted()).toEqual(Object.keys(palettes.light).toSorted());
  });

  test('fetches nothing and closes every brace', () => {
    expect(STYLE).not.toMatch(/url\(|@import|@font-face|<|http/);
    expect(STYLE.split('{').length).toBe(STYLE.split('}').length);
  });
});
