/**
 * Random-access bytes: what the format readers read from, so that the same parsers serve a file on
 * disk, an HTTP range or a browser `File`. Implementations live beside this file (Node) or in the
 * browser entry.
 */
export interface ByteSource {
  /** Name for error messages: a path or URL. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes at `offset`, of the content that was there when the source was
   * opened.
   * @throws FormatError when the range leaves the source (a truncated file), AccessError when
   * reading fails, FileChangedError when the content is another one by now.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /**
   * Looks once more, before a result is given: whether the name still leads to the content that was
   * read.
   * @throws FileChangedError when it does not, AccessError when it cannot be told.
   */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** Bytes read at a time, where a long range is passed on. */
const PIECE = 1 << 22;

/** A range of a source, piece by piece. */
export async function* readPieces(
  source: ByteSource,
  offset: number,
  length: number,
): AsyncGenerator<Uint8Array, void> {
  for (let done = 0; done < length; done += PIECE) {
    yield await source.read(offset + done, Math.min(PIECE, length - done));
  }
}
