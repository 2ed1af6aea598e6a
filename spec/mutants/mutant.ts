/** One fault, put into a copy of the tree to see which test notices. */
export interface Mutant {
  /** What is wrong, in a few words. */
  readonly name: string;
  /** The file it is in, from the root. */
  readonly file: string;
  /** The text that is replaced, which the file has exactly once. */
  readonly from: string;
  readonly to: string;
  /** The specs that should notice, from the root. */
  readonly specs: readonly string[];
}

/** Whether a fault is in a WebAssembly kernel, so that the kernels must be compiled again. */
export function isKernel({ file }: Mutant): boolean {
  return file.startsWith('src/backends/simd/assembly/');
}

/**
 * A file with the fault in it.
 * @throws where the text to be replaced is not there exactly once: the file has moved on, and the
 * mutant must follow.
 */
export function mutated(text: string, { name, file, from, to }: Mutant): string {
  const count = text.split(from).length - 1;
  if (count !== 1) throw new Error(`mutant '${name}': ${file} has the text to be replaced ${count} times, not once`);
  // As a function, so that $ is not a pattern.
  return text.replace(from, () => to);
}
