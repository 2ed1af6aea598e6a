/** A part of a text on its way through the stages. */
export interface Piece {
  readonly text: string;
  /**
   * How many of its first UTF-16 units stand for the first character of the whole text. Metaspace
   * asks for them: it may put its mark before the first piece only.
   */
  readonly atStart: number;
}

/** A piece of a piece: [start, end) in UTF-16 units. */
export function sliceOf({ text, atStart }: Piece, start: number, end: number): Piece {
  return { text: text.slice(start, end), atStart: Math.max(0, Math.min(atStart, end) - start) };
}

/** A piece with something put before it. */
export function prefixed(prefix: string, { text, atStart }: Piece): Piece {
  return { text: prefix + text, atStart: atStart > 0 ? atStart + prefix.length : 0 };
}
