/**
 * What KL needs of the dense model, chunk by chunk (model/denseOutputs.ts): computed once with one
 * pass of the dense model, and kept as far as there is room. A chunk that is not kept is computed
 * again in each step.
 */
import type { Chunks } from '../../eval/chunks.ts';
import { keptRowBytes, type DenseOutputs } from '../../model/denseOutputs.ts';
import type { Transformer } from '../../model/transformer.ts';

export class DenseChunks {
  readonly #model: Transformer;
  readonly #chunks: Chunks;
  readonly #most: number;
  readonly #kept = new Map<number, DenseOutputs>();

  /**
   * @param model the dense one.
   * @param bytes for what is kept.
   */
  constructor(model: Transformer, chunks: Chunks, bytes: number) {
    this.#model = model;
    this.#chunks = chunks;
    this.#most = Math.floor(bytes / (chunks.chunk * keptRowBytes(model.config.hiddenSize)));
  }

  /** Bytes that all chunks take. */
  static bytesOf({ config }: Pick<Transformer, 'config'>, { chunk, ids }: Chunks): number {
    return ids.length * chunk * keptRowBytes(config.hiddenSize);
  }

  /** Of a group of chunks, a row for each of their tokens. */
  async of(group: readonly number[]): Promise<DenseOutputs> {
    const missing = group.filter((chunk) => !this.#kept.has(chunk));
    const found = new Map(this.#kept);
    if (missing.length > 0) {
      const outputs = await this.#model.outputs(missing.map((chunk) => this.#chunks.ids[chunk]));
      for (const [at, chunk] of missing.entries()) {
        const own = rowsOf(outputs, at * this.#chunks.chunk, this.#chunks.chunk);
        found.set(chunk, own);
        if (this.#kept.size < this.#most) this.#kept.set(chunk, own);
      }
    }
    return joined(group.flatMap((chunk) => found.get(chunk) ?? []));
  }
}

function rowsOf({ directions, levels }: DenseOutputs, from: number, count: number): DenseOutputs {
  const cols = directions.length / levels.length;
  return {
    directions: directions.slice(from * cols, (from + count) * cols),
    levels: levels.slice(from, from + count),
  };
}

function joined(parts: readonly DenseOutputs[]): DenseOutputs {
  if (parts.length === 1) return parts[0];
  const rows = parts.reduce((sum, { levels }) => sum + levels.length, 0);
  const cols = parts[0].directions.length / parts[0].levels.length;
  const directions = new Float32Array(rows * cols);
  const levels = new Float64Array(rows);
  let row = 0;
  for (const part of parts) {
    directions.set(part.directions, row * cols);
    levels.set(part.levels, row);
    row += part.levels.length;
  }
  return { directions, levels };
}
