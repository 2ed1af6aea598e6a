/** Below this share of the dense perplexity, what pruning cost is too little to state shares of. */
const NOTHING = 1e-3;

/**
 * The share of what pruning cost that healing brought back, of perplexities: 0 where it brought
 * back nothing, 1 where the healed model is as good as the dense one, more where it is better,
 * below 0 where healing made it worse. Null where pruning cost next to nothing, or a figure is not
 * finite: a share of that would tell nothing.
 */
export function recoveredShare(dense: number, pruned: number, healed: number): number | null {
  const cost = pruned - dense;
  if (!Number.isFinite(cost) || !Number.isFinite(healed) || cost < NOTHING * dense) return null;
  return (pruned - healed) / cost;
}
