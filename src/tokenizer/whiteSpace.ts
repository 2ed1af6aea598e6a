/**
 * White space as Unicode has it, for one character: U+0085 included, U+FEFF not. JavaScript's `\s`
 * and `trim` take these two the other way round.
 */
export function isSpace(char: string): boolean {
  return /^\p{White_Space}$/u.test(char);
}
