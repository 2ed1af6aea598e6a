/** A random model on disk for as long as it is needed, opened as any other .gguf file is. */
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openModel } from '../src/formats/openModel.ts';
import type { WeightSource } from '../src/model/weights.ts';
import { seededRng } from '../src/tensor/rng.ts';
import { randomGguf, type LlamaShape } from './randomGguf.ts';

/** Writes a Q8_0 model of that shape into a temporary folder, runs `use` on it, and removes it. */
export async function withRandomModel<T>(shape: LlamaShape, use: (source: WeightSource) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'blockpruner-bench-'));
  try {
    const file = join(folder, 'random.gguf');
    await pipeline(randomGguf({ shape, type: 'q8_0', seed: 1, vocabulary: false }), createWriteStream(file));
    const opened = await openModel(file);
    try {
      return await use(opened.weights);
    } finally {
      await opened.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `count` sequences of `length` random ids. */
export function randomChunks(count: number, length: number, vocab: number): Int32Array[] {
  const rng = seededRng(2);
  return Array.from({ length: count }, () => Int32Array.from({ length }, () => Math.floor(rng.uniform() * vocab)));
}
