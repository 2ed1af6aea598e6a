/** A text with U+FFFD for every surrogate that has no partner, as UTF-8 would have it. */
export function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '\ufffd');
}
