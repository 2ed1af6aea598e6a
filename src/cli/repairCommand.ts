import type { Command } from 'commander';
import { join } from 'node:path';
import { AccessError, UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { dataName } from '../eval/dataForm.ts';
import type { Mask } from '../model/mask.ts';
import { folderFiles } from '../platform/nodeFiles.ts';
import { prepareFolder, writeFileWhole } from '../platform/nodeFolder.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { withLock } from '../platform/nodeLock.ts';
import { PROGRAM_VERSION } from '../platform/programVersion.ts';
import { writeOfficialOrder } from '../prune/officialOrder.ts';
import { checkRepair, repairRun, type RepairRunResult } from '../prune/repair/repairRun.ts';
import type { RepairScope } from '../repair/cuts.ts';
import type { RepairForm } from '../repair/fit.ts';
import type { RepairSettings } from '../repair/repair.ts';
import { repairSettings } from '../repair/settings.ts';
import { tensorStore } from '../repair/store.ts';
import { loadChunks, loadEvaluation, type EvalOptions } from './evalOptions.ts';
import { keepConfig } from './config/keptConfig.ts';
import { journalled } from './journalled.ts';
import { openRun, type ModelOptions, type OpenRun } from './openRun.ts';
import { checkOutput } from './outputFolder.ts';
import { repairSummary } from './repairSummary.ts';
import { checkPruned, prunedMask, type PrunedOptions } from './runEdits.ts';
import { Terminal } from './terminal.ts';
import { checkWrite, prepareWrite, writeRepaired } from './writeRepaired.ts';

export interface RepairOptions extends ModelOptions, EvalOptions, PrunedOptions {
  scope?: RepairScope;
  form: RepairForm;
  ridge?: readonly number[];
  eval?: string[];
  out?: string;
  write?: string;
  fresh: boolean;
  force: boolean;
  json: boolean;
  quiet: boolean;
}

/**
 * `blockpruner repair MODEL`: refits what a pruning left, and leaves repair.json, the fitted
 * tensors and the journal in --out.
 */
export async function repairCommand(argument: string, options: RepairOptions, command: Command): Promise<void> {
  const terminal = new Terminal(options);
  const { data, run, mask: list, write } = options;
  const settings = repairSettings(options);
  checkRemoved(options);
  const out = options.out ?? join(run ?? '', 'repaired');
  const reads = [argument, ...data, ...(options.eval ?? []), run ?? list?.replace(/@\d+$/, '') ?? ''];
  await checkOutput({ folder: out, kind: 'repair', reads, force: options.force });
  const written = write === undefined ? null : await checkWrite(argument, write, [...reads, out], options.force);
  const opened = await openRun(argument, { ...options, mends: true }, terminal);
  try {
    // A repair begins from the pruned model, whatever repair the run itself has.
    const mask = await prunedMask(options, opened.opened.weights, (text) => terminal.warn(text));
    const chunks = await loadChunks(options, opened.opened, terminal);
    checkRepair({ model: opened.model, chunks, mask, settings });
    const evaluation = (await loadEvaluation(options, opened.opened, terminal)) ?? null;
    if (written !== null) await prepareWrite(written, opened.opened);
    await prepareFolder(out);
    await withLock(
      join(out, 'journal.lock'),
      (text) => terminal.warn(text),
      async () => {
        const job = { mask, chunks, evaluation, settings };
        const result = await repairInto(out, opened, job, options, terminal);
        // The options come last: the journal might have been another run's, whose file stays.
        const unsaved = await save(out, result, mask)
          .then(() => keepConfig(command, out))
          .catch((error: unknown) => error as Error);
        if (options.json) terminal.document(result);
        terminal.result(repairSummary(result));
        if (unsaved) {
          throw new AccessError(`the result is printed but not saved: ${unsaved.message}`, { cause: unsaved });
        }
        terminal.result(`\n${out}: run the repaired model by --run ${out}`);
        if (written === null) return;
        for (const line of await writeRepaired(written, opened.opened, mask, result, out)) terminal.result(line);
      },
    );
  } finally {
    await opened.close();
  }
}

interface Job {
  mask: Mask;
  chunks: Chunks;
  evaluation: { name: string; chunks: Chunks } | null;
  settings: RepairSettings;
}

async function repairInto(
  out: string,
  { model, activationBytes, weightBytes, streamBytes }: OpenRun,
  { mask, chunks, evaluation, settings }: Job,
  options: RepairOptions,
  terminal: Terminal,
): Promise<RepairRunResult> {
  return journalled(out, options, terminal, (sink) =>
    repairRun({
      model,
      chunks,
      dataName: dataName(options.data),
      mask,
      settings,
      evaluation,
      activationBytes,
      streamBytes,
      weightBytes,
      store: tensorStore(folderFiles(out), nodeHasher),
      version: PROGRAM_VERSION,
      newHasher: nodeHasher,
      sink,
    }),
  );
}

async function save(out: string, result: RepairRunResult, mask: Mask): Promise<void> {
  await writeFileWhole(join(out, 'repair.json'), `${JSON.stringify(result, null, 2)}\n`);
  await writeFileWhole(join(out, 'del_order_list.json'), writeOfficialOrder([mask.blocks]));
}

/** @throws UsageError unless exactly one option says what was removed, and where to write to. */
function checkRemoved({ run, mask, step, out }: RepairOptions): void {
  checkPruned({ run, mask, step });
  if (run === undefined && mask === undefined) {
    throw new UsageError('what was removed is not clear.', { remedy: 'Give either --run or --mask.' });
  }
  if (run === undefined && out === undefined) {
    throw new UsageError('there is nowhere to write to.', { remedy: 'Give --run or --out.' });
  }
}
