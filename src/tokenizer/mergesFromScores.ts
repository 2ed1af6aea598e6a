/** Merges made of scores. */
export interface ScoredMerges {
  readonly merges: [string, string][];
  /** The rank of each merge; equal ranks merge from left to right. */
  readonly ranks: number[];
}

/**
 * SentencePiece keeps a score for each piece and no merges: at every step it joins the neighbours
 * whose joint piece has the highest score, and of several such the leftmost. As merges, these are
 * all ways to cut a piece into two pieces, best score first, and those of equal scores have one
 * rank.
 * @param pieces by id; null for tokens that take no part in merging (control, unknown, byte).
 * @param scores by id.
 * @returns pairs, and the rank of each. Within a rank they are ordered by the ids of the piece, of
 * its left and of its right half, as in converted `tokenizer.json` files.
 */
export function mergesFromScores(pieces: readonly (string | null)[], scores: ArrayLike<number>): ScoredMerges {
  const idOf = new Map<string, number>();
  for (const [id, piece] of pieces.entries()) if (piece !== null && piece !== '') idOf.set(piece, id);

  const byScore = [...idOf.values()].sort((a, b) => compare(scores[a], scores[b]) || a - b);
  const merges: [string, string][] = [];
  const ranks: number[] = [];
  let rank = 0;
  for (const [index, id] of byScore.entries()) {
    if (index > 0 && compare(scores[byScore[index - 1]], scores[id]) !== 0) rank++;
    for (const pair of cuts(pieces[id] ?? '', idOf)) {
      merges.push(pair);
      ranks.push(rank);
    }
  }
  return { merges, ranks };
}

/** The higher score first; infinite ones may be equal, too. */
function compare(a: number, b: number): number {
  return a === b ? 0 : b - a;
}

function cuts(piece: string, idOf: ReadonlyMap<string, number>): [string, string][] {
  const found: { pair: [string, string]; left: number; right: number }[] = [];
  for (let end = 1; end < piece.length; end++) {
    const pair: [string, string] = [piece.slice(0, end), piece.slice(end)];
    const left = idOf.get(pair[0]);
    const right = idOf.get(pair[1]);
    if (left !== undefined && right !== undefined) found.push({ pair, left, right });
  }
  return found.sort((a, b) => a.left - b.left || a.right - b.right).map(({ pair }) => pair);
}
