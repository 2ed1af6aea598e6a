/** What `prune` reads of `--repair` and the options that go with it. */
import { basename } from 'node:path';
import { UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { dataName } from '../eval/dataForm.ts';
import type { OpenedModel } from '../formats/openModel.ts';
import { folderFiles } from '../platform/nodeFiles.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import type { RepairTime } from '../prune/repair/settings.ts';
import type { RunRepair } from '../prune/run.ts';
import type { RepairScope } from '../repair/cuts.ts';
import { defaultRepair } from '../repair/repair.ts';
import { tensorStore } from '../repair/store.ts';
import { unitsOf } from '../repair/units.ts';
import { loadChunks, type EvalOptions } from './evalOptions.ts';
import type { OpenRun } from './openRun.ts';
import type { Terminal } from './terminal.ts';

export interface PruneRepairOptions {
  repair?: RepairTime;
  leaders?: number;
  repairScope?: RepairScope;
  eval?: string[];
}

interface Given extends PruneRepairOptions {
  method: string;
  search: 'exact' | 'race';
}

/** @throws UsageError for options of repair that do not go with the others. */
export function checkRepair({ repair, leaders, repairScope, eval: text, method, search }: Given): void {
  if (repair === undefined) {
    const stray = leaders !== undefined ? '--leaders' : repairScope !== undefined ? '--repair-scope' : '--eval';
    if (leaders === undefined && repairScope === undefined && text === undefined) return;
    throw new UsageError(`${stray} goes with --repair.`);
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
export async function repairOf(
  options: PruneRepairOptions & EvalOptions,
  out: string,
  chunks: Chunks,
  { opened, weightBytes, activationBytes }: Pick<OpenRun, 'opened' | 'weightBytes' | 'activationBytes'>,
  terminal: Terminal,
): Promise<RunRepair | undefined> {
  const { repair, leaders, repairScope: scope = defaultRepair.scope } = options;
  if (repair === undefined) return undefined;
  // Chunks that cannot be held apart are refused before anything is written.
  unitsOf(chunks);
  return {
    when: repair,
    settings: { ...defaultRepair, scope },
    leaders,
    evaluation: await evaluationOf(options, opened, terminal),
    store: tensorStore(folderFiles(out), nodeHasher),
    weightBytes,
    streamBytes: activationBytes,
  };
}

/** The text of `--eval`, cut as the calibration text is. */
export async function evaluationOf(
  options: Pick<PruneRepairOptions, 'eval'> & EvalOptions,
  opened: OpenedModel,
  terminal: Terminal,
): Promise<RunRepair['evaluation']> {
  if (options.eval === undefined) return undefined;
  return {
    name: dataName(options.eval),
    chunks: await loadChunks({ ...options, data: options.eval }, opened, terminal),
  };
}
