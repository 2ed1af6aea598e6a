/**
 * The texts of a GGUF file's tokens with each text once, the others empty: converted files hold
 * some twice, most often padding (`<pad>`, `[PAD]`) and control tokens.
 *
 * One that the file names (BOS, EOS …) keeps the text, else one that text is made of, else the
 * last, as in llama.cpp's table. The others are never made, and stand for nothing.
 * @param isText whether a token is one that text is made of.
 * @param named ids that other keys of the file point at.
 * @param refuse gives the error for two unnamed tokens of one text that are both for text: which of
 * them the model was trained with, the file does not tell.
 */
export function withoutRepeats(
  tokens: readonly string[],
  isText: (id: number) => boolean,
  named: ReadonlySet<number>,
  refuse: (first: number, second: number) => Error,
): readonly string[] {
  const rank = (id: number): number => (named.has(id) ? 2 : isText(id) ? 1 : 0);
  const idOf = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    const other = idOf.get(token);
    // No text stands for nothing, however many tokens are empty.
    if (other !== undefined && token !== '' && rank(other) === 1 && rank(id) === 1) throw refuse(other, id);
    if (other === undefined || rank(id) >= rank(other)) idOf.set(token, id);
  }
  if (idOf.size === tokens.length) return tokens;
  return tokens.map((token, id) => (idOf.get(token) === id ? token : ''));
}
