/**
 * What our types name of WebAssembly. TypeScript knows the real ones from its DOM types or Node's,
 * which a program that uses the package need not have.
 */

/** A compiled module: a WebAssembly.Module. */
export type WasmModule = object;

/** A WebAssembly.Memory. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

/** What an instance exports. */
export type WasmExports = Readonly<Record<string, unknown>>;
