/**
 * SentencePiece keeps a score for each piece and no merges: at every step it joins the neighbours whose joint piece
 * has the highest score. As merges, these are all ways to cut a piece into two pieces, best score first.
 * @param pieces by id; null for tokens that take no part in merging (control, unknown, byte).
 * @param scores by id.
 * @returns pairs in the order in which they are to be merged. Cuts of one piece, which tie, are ordered by the ids of
 * their left and then right halves, as in converted `tokenizer.json` files.
 */
export function mergesFromScores(pieces: readonly (string | null)[], scores: ArrayLike<number>): [string, string][] {
  const idOf = new Map<string, number>();
  for (const [id, piece] of pieces.entries()) if (piece !== null && piece !== '') idOf.set(piece, id);

  const byScore = [...idOf.values()].sort((a, b) => scores[b] - scores[a] || a - b);
  return byScore.flatMap((id) => cuts(pieces[id] ?? '', idOf));
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
