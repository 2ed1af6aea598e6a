import type { Command } from 'commander';
import { basename, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { dataName } from '../eval/dataForm.ts';
import { openModel, type OpenedModel } from '../formats/openModel.ts';
import { storedType } from '../formats/write/safetensorsWriter.ts';
import { prepareFolder, writeFileWhole } from '../platform/nodeFolder.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { withLock } from '../platform/nodeLock.ts';
import { PROGRAM_VERSION } from '../platform/programVersion.ts';
import { repairIdentity } from '../repair/readDocument.ts';
import { checkRank } from '../train/heal.ts';
import { healRun, type HealDocument, type HealedModel, type HealJob } from '../train/healRun.ts';
import { backendWords } from './backendWords.ts';
import { checkCompanions, companionFiles } from './companionFiles.ts';
import { keepConfig } from './config/keptConfig.ts';
import { loadChunks, type EvalOptions } from './evalOptions.ts';
import { figure, percent, table } from './figures.ts';
import { keepModel, keptWords } from './keptModel.ts';
import { openChecked } from './openRun.ts';
import { checkOutput } from './outputFolder.ts';
import { recoveredText } from './recovered.ts';
import { checkPruned, prunedEdits, repairedWeights, type PrunedOptions, type RunEdits } from './runEdits.ts';
import { Terminal } from './terminal.ts';
import { trainingBackend, type TrainingBackendOptions } from './trainingBackend.ts';
import { fileCheckpoint } from './trainingFiles.ts';
import { TrainingProgress } from './trainingProgress.ts';
import { trainingText } from './trainingText.ts';

export interface HealOptions extends TrainingBackendOptions, EvalOptions, PrunedOptions {
  /** Text to measure perplexity on; `data` is what is trained on. */
  valid: string;
  out?: string;
  steps: number;
  rank: number;
  alpha: number;
  lr: number;
  seqLen?: number;
  sequences: number;
  accumulate: number;
  seed: number;
  fresh: boolean;
  force: boolean;
  json: boolean;
  quiet: boolean;
}

/**
 * `blockpruner heal MODEL --run DIR`: trains adapters on a pruned model, merges them and writes the
 * healed model.
 */
export async function healCommand(argument: string, options: HealOptions, command: Command): Promise<void> {
  const terminal = new Terminal(options);
  const started = performance.now();
  const out = outFolder(options);
  checkRemoved(options);
  const opened = await openChecked(argument, {}, terminal);
  try {
    const files = await companionFiles(argument);
    const reads = [argument, ...options.data, options.valid, options.run ?? options.mask?.replace(/@\d+$/, '') ?? ''];
    await checkOutput({ folder: out, kind: 'heal', reads, alsoWrites: files, force: options.force });
    await checkCompanions(argument, files, out, options.force, opened.weights.config);
    const pruned = await prunedOf(options, opened, terminal);
    const { mask, repair } = pruned;
    const weights = repairedWeights(opened.weights, pruned);
    const text = await trainingText(options, { ...opened, weights }, terminal);
    const chunks = await loadChunks({ ...options, data: [options.valid] }, opened, terminal);
    checkRank(options.rank, opened.weights.config);
    await prepareFolder(out);
    await withLock(
      join(out, 'healing.lock'),
      (warning) => terminal.warn(warning),
      async () => {
        await keepConfig(command, out);
        const backend = await trainingBackend(options, null);
        try {
          terminal.note(`backend: ${backendWords(backend.description)}`);
          const job: HealJob = {
            source: opened.weights,
            repaired: repair === null ? null : { weights, by: repairIdentity(repair) },
            mask,
            backend,
            text: { ...text, name: dataName(options.data) },
            measure: { name: basename(options.valid), chunks, nllSum: options.nllSum },
            settings: options,
            version: PROGRAM_VERSION,
            newHasher: nodeHasher,
            checkpoint: fileCheckpoint(join(out, 'healing.checkpoint'), options.fresh),
            keep: async (healed) => {
              const storedAs = storedType(opened.weights);
              await keepModel({ folder: argument, companions: files, weights: healed, storedAs, mask }, out);
              return openModel(out);
            },
          };
          const healed = await show(job, new TrainingProgress(terminal, options.fresh), terminal);
          healed.document.seconds = (performance.now() - started) / 1000;
          await report(healed, out, terminal, options.json);
        } finally {
          await backend.dispose();
        }
      },
    );
  } finally {
    await opened.close();
  }
}

interface Healed {
  document: HealDocument;
  ppl: Perplexities;
}

/** `repaired` is NaN where there was no repair. */
type Perplexities = Record<HealedModel, number>;

/** Runs a healing and shows how far it is. */
async function show(job: HealJob, progress: TrainingProgress, terminal: Terminal): Promise<Healed> {
  const events = healRun(job);
  const ppl: Perplexities = { dense: NaN, pruned: NaN, repaired: NaN, healed: NaN };
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) return { document: value, ppl };
    if (value.type !== 'scored') {
      progress.show(value);
      continue;
    }
    ppl[value.model] = value.perplexity.ppl;
    if (value.model === 'repaired') terminal.note(`perplexity ${figure(ppl.repaired)} repaired`);
    if (value.model !== 'pruned') continue;
    terminal.note(`perplexity ${figure(ppl.dense)} dense, ${figure(ppl.pruned)} without ${job.mask.toString()}`);
  }
}

/** Writes healing.json and says what it came to. */
async function report({ document, ppl }: Healed, out: string, terminal: Terminal, json: boolean): Promise<void> {
  await writeFileWhole(join(out, 'healing.json'), `${JSON.stringify(document, null, 2)}\n`);
  if (json) terminal.document(document);
  terminal.result(
    table(
      ['model', '>perplexity'],
      [
        ['dense', figure(ppl.dense)],
        [`pruned, ${percent(document.ratios.blocks)} of block parameters`, figure(ppl.pruned)],
        ...(document.repair === undefined ? [] : [['repaired', figure(ppl.repaired)]]),
        ['healed', figure(ppl.healed)],
      ],
    ),
  );
  const what = document.repair === undefined ? 'healing' : 'repair and healing';
  terminal.result(recoveredText(ppl.dense, ppl.pruned, ppl.healed, what));
  terminal.result(`${document.measuredOn}: ${document.convention.text}`);
  for (const line of keptWords(out, 'healed')) terminal.result(line);
}

function outFolder({ out, run }: HealOptions): string {
  if (out !== undefined) return out;
  if (run === undefined) throw new UsageError('there is nowhere to write to.', { remedy: 'Give --run or --out.' });
  return join(run, 'healed');
}

/** @throws UsageError unless exactly one option says what was removed. */
function checkRemoved({ run, mask, step }: HealOptions): void {
  checkPruned({ run, mask, step });
  if (run !== undefined || mask !== undefined) return;
  throw new UsageError('what was removed is not clear.', { remedy: 'Give either --run or --mask.' });
}

async function prunedOf(options: HealOptions, { weights }: OpenedModel, terminal: Terminal): Promise<RunEdits> {
  const found = await prunedEdits(options, weights, (text) => terminal.warn(text));
  if (found.mask.size > 0) return found;
  throw new UsageError('nothing was removed, so there is nothing to heal.', { where: options.run ?? options.mask });
}
