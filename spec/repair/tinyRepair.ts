/** What the specs of the walk share: random models with cuts, memories, drained repairs. */
import { fc } from '@fast-check/vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import type { Chunks } from '../../src/eval/chunks.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { edited, type RewriteEdit } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { repairScopes } from '../../src/repair/cuts.ts';
import { repairForms } from '../../src/repair/fit.ts';
import {
  defaultRepair,
  repair,
  type FitMemory,
  type FittedBlock,
  type RepairEvent,
  type Repaired,
  type RepairSettings,
} from '../../src/repair/repair.ts';
import { seeds } from '../arbitraries.ts';
import { someUneven, unevenSource } from '../model/unevenModel.ts';
import { drain, tinyChunks } from '../prune/tinySearch.ts';

/** Budget for packed weights of the models here. */
export const WEIGHT_BYTES: number = 2 ** 22;
/** Room for every stream of every text here. */
export const ALL_STREAMS: number = 2 ** 30;

/** Fits in a map. */
export function mapMemory(fits: Map<string, FittedBlock> = new Map()): FitMemory {
  return {
    recall: (key) => Promise.resolve(fits.get(key) ?? null),
    keep: (key, fitted) => Promise.resolve(void fits.set(key, fitted)),
  };
}

/** A pruned model and a text. */
export interface Case {
  readonly source: WeightSource;
  readonly mask: Mask;
  readonly chunks: Chunks;
}

/**
 * Models of every family with uneven layers; part of their blocks removed, neither none nor all.
 */
export const someCase: fc.Arbitrary<Case> = fc
  .record({
    shape: someUneven(3),
    // A bit for each block.
    removed: fc.nat(2 ** 6 - 1),
    seed: seeds,
    count: fc.integer({ min: 1, max: 9 }),
    chunk: fc.constantFrom(2, 5, 9),
  })
  .map(({ shape, removed, seed, count, chunk }) => {
    const source = unevenSource(shape);
    const mask = Mask.of(walkOf(source.config).filter((_, at) => ((removed >> at) & 1) === 1));
    return { source, mask, chunks: tinyChunks(seed, count, chunk) };
  })
  .filter(({ source, mask }) => mask.size > 0 && mask.size < walkOf(source.config).length);

export const someSettings: fc.Arbitrary<RepairSettings> = fc
  .record({
    form: fc.constantFrom(...repairForms),
    scope: fc.constantFrom(...repairScopes),
    factors: fc.constantFrom(defaultRepair.factors, [1e-3], [0.1, 1]),
  })
  .map((settings) => (settings.form === 'scale' ? { ...settings, scope: 'cuts' } : settings));

export interface Given {
  readonly backend?: Backend;
  readonly settings?: RepairSettings;
  readonly memory?: FitMemory;
  readonly bytes?: number;
  readonly weightBytes?: number;
}

/** A repair run to its end; nothing is left on the backend. */
export async function repairOf(
  { source, mask, chunks }: Case,
  {
    backend = referenceBackend(),
    settings = defaultRepair,
    memory = mapMemory(),
    bytes = ALL_STREAMS,
    weightBytes = WEIGHT_BYTES,
  }: Given = {},
): Promise<{ events: RepairEvent[]; result: Repaired }> {
  const model = await Transformer.load(source, backend, weightBytes);
  try {
    return await drain(repair({ model, chunks, mask, settings, memory, bytes }));
  } finally {
    model.free();
  }
}

/** The tensors that edits rewrite, read. */
export async function valuesOf(
  source: WeightSource,
  edits: readonly RewriteEdit[],
): Promise<Map<string, Float32Array>> {
  const view = edited(source, edits);
  const values = new Map<string, Float32Array>();
  for (const { tensor } of edits) values.set(tensor, await view.tensor(tensor));
  return values;
}

/** Scores of each chunk by the plain evaluator. */
export async function scoresOf(
  source: WeightSource,
  mask: Mask,
  chunks: Chunks,
  backend: Backend = referenceBackend(),
): Promise<readonly { nats: number; targets: number }[]> {
  const model = await Transformer.load(source, backend, WEIGHT_BYTES);
  let all: readonly { nats: number; targets: number }[] = [];
  await perplexity(model, chunks, mask, 1, (scores) => void (all = [...scores]));
  model.free();
  return all;
}
