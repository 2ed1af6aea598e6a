/** What `prune` reads of `--repair` and the options that go with it. */
import { basename } from 'node:path';
import { UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { folderFiles } from '../platform/nodeFiles.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import type { Metric } from '../prune/lowest.ts';
import { klWithRepair } from '../prune/methods/blockpruner.ts';
import type { RepairTime } from '../prune/repair/settings.ts';
import type { RunRepair } from '../prune/run.ts';
import type { RepairScope } from '../repair/cuts.ts';
import { defaultRepair } from '../repair/repair.ts';
import { tensorStore } from '../repair/store.ts';
import { unitsOf } from '../repair/units.ts';
import type { OpenRun } from './openRun.ts';

export interface PruneRepairOptions {
  repair?: RepairTime;
  leaders?: number;
  repairScope?: RepairScope;
}

interface Given extends PruneRepairOptions {
  method: string;
  search: 'exact' | 'race';
  metric: Metric;
}

/** @throws UsageError for options of repair that do not go with the others. */
export function checkRepair({ repair, leaders, repairScope, method, search, metric }: Given): void {
  if (repair === undefined) {
    if (leaders === undefined && repairScope === undefined) return;
    throw new UsageError(`${leaders !== undefined ? '--leaders' : '--repair-scope'} goes with --repair.`);
  }
  if (repair === 'end') {
    if (leaders !== undefined) throw new UsageError('--leaders goes with --repair each.');
    return;
  }
  if (method !== 'blockpruner') {
    throw new UsageError(
      `--repair each goes with --method blockpruner: ${basename(method)} does not choose by price.`,
      {
        remedy: 'Use --repair end, which goes with every method.',
      },
    );
  }
  if (metric === 'kl') throw klWithRepair();
  if (search === 'race') {
    throw new UsageError('--search race drops candidates before --repair each could repair them.', {
      remedy: 'Use --search exact, or --repair end.',
    });
  }
}

/**
 * What the run is to repair, and with what; undefined without `--repair`.
 * @throws DataError for chunks that overlap.
 */
export function repairOf(
  options: PruneRepairOptions,
  out: string,
  chunks: Chunks,
  { weightBytes, streamBytes }: Pick<OpenRun, 'weightBytes' | 'streamBytes'>,
): RunRepair | undefined {
  const asked = repairAsked(options);
  if (asked === undefined) return undefined;
  // Chunks that cannot be held apart are refused before anything is written.
  unitsOf(chunks);
  return {
    ...asked,
    store: tensorStore(folderFiles(out), nodeHasher),
    weightBytes,
    streamBytes,
  };
}

/** The options of repair as the run has them; undefined without `--repair`. */
export function repairAsked({
  repair: when,
  leaders,
  repairScope: scope = defaultRepair.scope,
}: PruneRepairOptions): Pick<RunRepair, 'when' | 'settings' | 'leaders'> | undefined {
  return when === undefined ? undefined : { when, settings: { ...defaultRepair, scope }, leaders };
}
