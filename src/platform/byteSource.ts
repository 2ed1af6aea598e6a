/**
 * Random-access bytes: what the format readers read from, so that the same parsers serve a file on disk, an HTTP
 * range or a browser `File`. Implementations live beside this file (Node) or in the browser entry.
 */
export interface ByteSource {
  /** Name for error messages: a path or URL. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes at `offset`.
   * @throws FormatError when the range leaves the source (a truncated file), AccessError when reading fails.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
