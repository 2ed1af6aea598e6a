/** What the memory of a run must be enough for, with and without a repair. */
import { denseOutputBytes } from '../../model/denseOutputs.ts';
import { Mask } from '../../model/mask.ts';
import type { WeightSource } from '../../model/weights.ts';
import type { RepairScope } from '../../repair/cuts.ts';
import { fittedBytes, repairWorkload, type RepairWorkload } from '../../repair/repairMemory.ts';
import { candidatesLeft, type PruneKind } from '../candidates.ts';
import type { RepairTime } from './settings.ts';

/** Parts of `Workload` in `src/session`. */
export interface RunWorkload {
  readonly chunk: number;
  readonly streams: number;
  readonly models: number;
  /** What KL divergences take beside the streams. */
  readonly deviceBytes?: number;
  /** The repair's, which has the memory when no sweep runs. */
  readonly also?: RepairWorkload & { readonly models: number };
}

/** What a run repairs, as far as its memory depends on it. */
export interface RepairPlan {
  readonly when: RepairTime;
  readonly scope: RepairScope;
  /** Tokens of the calibration text; Infinity where nobody knows yet. */
  readonly tokens: number;
  /** Whether fitted tensors are kept in memory, and not in files. */
  readonly inMemory: boolean;
}

/**
 * The work of a run by any method: sweeps over chunks of `chunk` tokens and, where it repairs, the
 * repair. Beside the whole model the repaired one is held, to price or to measure it.
 * @param repair undefined where nothing is repaired.
 * @param kl whether KL divergences from the dense model are measured.
 */
export function runWorkload(
  source: WeightSource,
  chunk: number,
  kind: PruneKind,
  repair?: RepairPlan,
  kl = false,
): RunWorkload {
  const streams = candidatesLeft(kind, source.config, Mask.empty).length;
  const sweeps = { chunk, streams, ...(kl ? { deviceBytes: denseOutputBytes(source.config) } : {}) };
  if (repair === undefined) return { ...sweeps, models: 1 };
  const { when, scope, tokens, inMemory } = repair;
  const mending = repairWorkload(source, chunk, tokens);
  // A step's best leader so far and the latest one; of the store, the last step's fits and the new
  // ones, until the old ones are done away with.
  const held = when === 'each' ? 2 : 0;
  const stored = inMemory ? (when === 'each' ? 2 : 1) : 0;
  const hostBytes = mending.hostBytes + (held + stored) * fittedBytes(source, scope);
  return { ...sweeps, models: 2, also: { ...mending, hostBytes, models: 2 } };
}
