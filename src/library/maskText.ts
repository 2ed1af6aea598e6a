import type { MaskLike } from './model.ts';

/** A mask in its text form, whatever it was given as. */
export function maskText(mask: MaskLike = ''): string {
  return Array.isArray(mask) ? mask.join(',') : String(mask);
}
