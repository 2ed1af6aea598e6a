import type { CharSet } from './charSet.ts';

/** Places that a pattern can ask for without taking a character. */
export type Place = 'textStart' | 'textEnd' | 'lastLineEnd' | 'lineStart' | 'lineEnd' | 'wordBorder' | 'insideWord';

/**
 * How often and in which order a repetition is tried; `possessive` never gives back what it took.
 */
export type Mode = 'greedy' | 'lazy' | 'possessive';

/** A regular expression, parsed. */
export type Node =
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'sequence'; readonly nodes: readonly Node[] }
  | { readonly kind: 'choice'; readonly nodes: readonly Node[] }
  | { readonly kind: 'repeat'; readonly node: Node; readonly min: number; readonly max: number; readonly mode: Mode }
  | { readonly kind: 'atomic'; readonly node: Node }
  | { readonly kind: 'look'; readonly node: Node; readonly ahead: boolean; readonly negated: boolean }
  | { readonly kind: 'place'; readonly place: Place };
