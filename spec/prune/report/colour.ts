/** Colour arithmetic of WCAG 2, for specs of the palettes. Colours are `#rrggbb`. */

function channels(hex: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** Relative luminance, 0 … 1: what is left of a colour for an eye that sees none. */
export function luminance(hex: string): number {
  const [red, green, blue] = channels(hex).map((value) => {
    const channel = value / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Contrast ratio, 1 … 21; small text needs 4.5. */
export function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

/** `top` painted over `bottom` with that opacity, as a browser does it (in sRGB). */
export function blend(top: string, bottom: string, opacity: number): string {
  const below = channels(bottom);
  const mixed = channels(top).map((value, index) => Math.round(opacity * value + (1 - opacity) * below[index]));
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
