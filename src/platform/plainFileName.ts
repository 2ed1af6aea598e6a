/**
 * Whether a name out of a file or an answer from elsewhere is a plain file name: no separator of
 * any system, no drive letter, nothing hidden, `.` and `..` among it. What is not must never be
 * joined to a path.
 */
export function isPlainFileName(name: string): boolean {
  return /^[^./\\:\p{Cc}][^/\\:\p{Cc}]*$/u.test(name);
}
