/** Where a file is written to, piece by piece, whole or not at all. */

export interface FileSink {
  /** Pieces follow one another. The sink keeps none: the caller may use its bytes again. */
  write(piece: Uint8Array): Promise<void>;
  /** The file is there from now on, in the place of the one before. */
  close(): Promise<void>;
  /** Nothing is left of what was written; a file that was there before stays as it was. */
  abort(): Promise<void>;
}

/**
 * Opens a file by its name, which may begin with folders: `additional_chat_templates/tool.jinja`.
 */
export type OpenSink = (file: string) => Promise<FileSink>;

/** Files in memory: for a browser, and for specs. */
export function memorySink(files: Map<string, Uint8Array>): OpenSink {
  return (file) => {
    const pieces: Uint8Array[] = [];
    return Promise.resolve({
      write(piece) {
        pieces.push(piece.slice());
        return Promise.resolve();
      },
      close() {
        const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
        let at = 0;
        for (const piece of pieces) {
          bytes.set(piece, at);
          at += piece.length;
        }
        files.set(file, bytes);
        return Promise.resolve();
      },
      abort() {
        pieces.length = 0;
        return Promise.resolve();
      },
    });
  };
}
