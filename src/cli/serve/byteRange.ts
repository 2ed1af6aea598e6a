/** Which bytes of a file a request asks for. Both ends are included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a Range header of one range (RFC 9110, 14.1.2): `bytes=2-5`, `bytes=2-`, and the last five
 * bytes by `bytes=-5`.
 * @param size of the file, in bytes.
 * @returns null for the whole file: no header, another unit, several ranges, or what is no range.
 * A server may leave those aside. `beyond`: no byte of the file is in the range.
 */
export function byteRange(header: string | undefined, size: number): ByteRange | 'beyond' | null {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? '');
  if (match === null) return null;
  const [first, last] = match[1] === '' ? [null, match[2]] : [Number(match[1]), match[2]];
  if (first === null) {
    if (last === '') return null;
    const length = Math.min(Number(last), size);
    return length === 0 ? 'beyond' : { start: size - length, end: size - 1 };
  }
  if (last !== '' && Number(last) < first) return null;
  if (first >= size) return 'beyond';
  return { start: first, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}
