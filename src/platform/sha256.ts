/** Incremental SHA-256. Injected, so that the format readers need no node:crypto in a browser. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Lower-case hex; ends the hasher. */
  digest(): string;
}
