/**
 * A file that a program puts its state into now and then, to go on from after it was killed. Only
 * one process writes it at a time.
 */
import type { ByteSource } from './byteSource.ts';
import { memoryBytes } from './memoryBytes.ts';

export interface StateFile {
  /** Name for messages. */
  readonly name: string;
  /**
   * Puts these pieces in the place of what was there, whole: a process that is killed meanwhile
   * leaves what was there before. The disk is not waited for: what a power cut leaves may be torn.
   * A piece's bytes may be used again once the next piece is asked for.
   * @throws AccessError when it cannot be written.
   */
  write(pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /** What was written last; null where there is nothing. @throws AccessError */
  open(): Promise<ByteSource | null>;
  /** Does away with it, and with what a killed process left of a write. @throws AccessError */
  remove(): Promise<void>;
}

/** In memory, for specs. */
export function memoryState(): StateFile & { bytes: Uint8Array | null; writes: number } {
  return {
    name: 'state in memory',
    bytes: null,
    writes: 0,
    async write(pieces) {
      const all: number[] = [];
      for await (const piece of pieces) for (const byte of piece) all.push(byte);
      this.bytes = Uint8Array.from(all);
      this.writes++;
    },
    open() {
      return Promise.resolve(this.bytes === null ? null : memoryBytes(this.name, this.bytes));
    },
    remove() {
      this.bytes = null;
      return Promise.resolve();
    },
  };
}
