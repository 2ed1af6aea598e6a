/** Repairs made up for specs: of the documents' form, with tensors in a store. */
import type { Chunks } from '../../src/eval/chunks.ts';
import type { ChunkScore } from '../../src/eval/perplexity.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { repairDocument, type RepairDocument } from '../../src/repair/document.ts';
import { defaultRepair, type BlockFit } from '../../src/repair/repair.ts';
import type { StoredTensor, TensorStore } from '../../src/repair/store.ts';

/** A fit that helped. */
export function madeFit(block: string, changes: Partial<BlockFit> = {}): BlockFit {
  return {
    block,
    rows: 448,
    heldOutRows: 64,
    factor: 0.3,
    kept: null,
    condition: 12.5,
    error: { before: 2, after: 1 },
    heldOut: { before: 2, after: 1.5 },
    ...changes,
  };
}

/** So many chunks of four tokens. */
export function madeChunks(count: number): Chunks {
  return {
    ids: Array.from({ length: count }, (_, chunk) => Int32Array.of(chunk, 1, 2, 3)),
    chunk: 4,
    stride: 4,
    bos: 'none',
    bosInData: false,
    join: '\n',
    newlines: 'keep',
    sample: null,
    ignoredId: null,
    skipped: { chunks: 0, targets: 0 },
    convention: 'paper',
    texts: null,
    droppedTokens: 0,
    scoredBytes: 3 * count,
    wholeText: true,
    notes: [],
  };
}

/** Each chunk's mean loss as its score. */
export function madeScores(means: readonly number[]): ChunkScore[] {
  return means.map((mean) => ({ nats: 3 * mean, targets: 3 }));
}

/** A document of these tensors. */
export function madeDocument(
  mask: string,
  tensors: readonly StoredTensor[],
  changes: Partial<RepairDocument> = {},
): RepairDocument {
  const scores = madeScores(Array.from({ length: 8 }, (_, chunk) => 1 + chunk / 10));
  const document = repairDocument({
    mask,
    settings: defaultRepair,
    chunks: madeChunks(8),
    pruned: scores.map(({ nats, targets }) => ({ nats: 2 * nats, targets })),
    repaired: { fits: [madeFit('L0.mlp')], dense: scores, repaired: scores, heldOut: [7], notRepaired: [] },
    tensors,
    evaluation: null,
    backend: 'reference',
    seconds: 1,
  });
  return { ...document, ...changes };
}

/** Keeps the model's own tensors, each times a factor: a repair that is easy to recognise. */
export async function scaledTensors(
  weights: WeightSource,
  names: readonly string[],
  factor: number,
  store: TensorStore,
): Promise<StoredTensor[]> {
  const stored: StoredTensor[] = [];
  for (const name of names) {
    const values = (await weights.tensor(name)).map((value) => factor * value);
    stored.push(await store.write(name, weights.tensors.get(name)?.shape ?? [], values));
  }
  return stored;
}
