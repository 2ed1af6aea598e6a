/** An append-only list of text lines that survives a killed process: where a journal is kept. */
export interface JournalSink {
  /** Name for messages. */
  readonly name: string;
  /** Complete lines found when it was opened. */
  readonly lines: readonly string[];
  /** What a killed process left of one more line; it is cut off before anything is appended. */
  readonly torn: string;
  /** Adds a line and returns once it is on stable storage. */
  append(line: string): Promise<void>;
  close(): Promise<void>;
}

/** A sink in memory: for a search whose result alone matters, and for specs. */
export function memoryJournal(lines: readonly string[] = []): JournalSink & { readonly all: readonly string[] } {
  const all = [...lines];
  return {
    name: 'journal in memory',
    lines: [...lines],
    torn: '',
    all,
    append(line) {
      all.push(line);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

/**
 * A file's complete lines, where they end, and what stands behind them. Line by line: as one text
 * they may be too long.
 */
export function splitLines(bytes: Uint8Array): { lines: string[]; end: number; torn: string } {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const lines: string[] = [];
  let end = 0;
  for (let next = bytes.indexOf(10); next >= 0; next = bytes.indexOf(10, end)) {
    lines.push(decoder.decode(bytes.subarray(end, next)));
    end = next + 1;
  }
  return { lines, end, torn: decoder.decode(bytes.subarray(end)) };
}
