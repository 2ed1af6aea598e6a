/** An append-only list of text lines that survives a killed process: where a journal is kept. */
export interface JournalSink {
  /** Name for messages. */
  readonly name: string;
  /** Complete lines found when it was opened. */
  readonly lines: readonly string[];
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
    all,
    append(line) {
      all.push(line);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}
