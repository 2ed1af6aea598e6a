import { basename, join } from 'node:path';
import type { GradientBackend } from '../backends/gradients.ts';
import { UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { conventionOf } from '../eval/convention.ts';
import { requireFiniteLoss } from '../eval/nonFinite.ts';
import { perplexity, type Perplexity } from '../eval/perplexity.ts';
import { writeModelTensors } from '../formats/huggingface/writeModel.ts';
import { openModel, type OpenedModel } from '../formats/openModel.ts';
import type { ModelConfig } from '../model/config.ts';
import { turn } from '../model/eventLoop.ts';
import { Mask } from '../model/mask.ts';
import { countParameters } from '../model/parameters.ts';
import { blockShapes } from '../model/tensorShapes.ts';
import { Transformer } from '../model/transformer.ts';
import { walkOf } from '../model/walk.ts';
import type { WeightSource } from '../model/weights.ts';
import type { NllSum } from '../ops/nll.ts';
import { readTextFile } from '../platform/nodeFile.ts';
import { prepareFolder, writeFileWhole } from '../platform/nodeFolder.ts';
import { lockFile } from '../platform/nodeLock.ts';
import { readMaskArgument } from '../prune/maskArgument.ts';
import { writeOfficialOrder } from '../prune/officialOrder.ts';
import { ratios } from '../prune/ratios.ts';
import { figures } from '../eval/figures.ts';
import { seededRng } from '../tensor/rng.ts';
import { defaultAdamW } from '../train/adamW.ts';
import { windowBatches } from '../train/batch.ts';
import { healedParameters, healingTrainee } from '../train/heal.ts';
import type { LoraSettings } from '../autodiff/lora.ts';
import { f32Parameters, readParameters } from '../autodiff/parameters.ts';
import { train, type TrainSettings } from '../train/train.ts';
import type { Trainee } from '../autodiff/trainee.ts';
import { checkCompanions, companionFiles, copyCompanions } from './companionFiles.ts';
import { programVersion } from '../platform/nodeMachine.ts';
import { loadChunks, type EvalOptions } from './evalOptions.ts';
import { figure, percent, table } from './figures.ts';
import { openChecked } from './openRun.ts';
import { checkOutput } from './outputFolder.ts';
import { recoveredShare, recoveredText } from './recovered.ts';
import { requireOwnRun, warnOfForeignMask } from './runModel.ts';
import { Terminal } from './terminal.ts';
import { trainingBackend, type TrainingBackendOptions } from './trainingBackend.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { fileCheckpoint } from './trainingFiles.ts';
import { TrainingProgress } from './trainingProgress.ts';
import { trainingText, type TrainingText } from './trainingText.ts';

export interface HealOptions extends TrainingBackendOptions, EvalOptions {
  /** Text to measure perplexity on; `data` is what is trained on. */
  valid: string;
  run?: string;
  step?: number;
  mask?: string;
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
export async function healCommand(argument: string, options: HealOptions): Promise<void> {
  const terminal = new Terminal(options);
  const started = performance.now();
  const out = outFolder(options);
  checkRemoved(options);
  const opened = await openChecked(argument, {}, terminal);
  try {
    const files = await companionFiles(argument);
    const reads = [argument, options.data, options.valid, options.run ?? options.mask?.replace(/@\d+$/, '') ?? ''];
    await checkOutput({ folder: out, kind: 'heal', reads, alsoWrites: files, force: options.force });
    await checkCompanions(argument, files, out, options.force, opened.weights.config);
    const mask = await maskOf(options, opened, terminal);
    const text = await trainingText(options, opened, terminal);
    const chunks = await loadChunks({ ...options, data: options.valid }, opened, terminal);
    const lora: LoraSettings = { rank: options.rank, alpha: options.alpha };
    const { config } = opened.weights;
    checkRank(lora, config);
    const parameters = await readParameters(opened.weights);
    const trainee = healingTrainee(config, parameters, mask, lora, seededRng(options.seed).fork('adapters'));
    await prepareFolder(out);
    const unlock = await lockFile(join(out, 'healing.lock'), (warning) => terminal.warn(warning));
    const backend = await trainingBackend(options, null).catch(async (error: unknown) => {
      await unlock();
      throw error;
    });
    try {
      terminal.note(`backend: ${backend.description}`);
      const scorer = new Scorer(backend, chunks, options.nllSum);
      const dense = await scorer.score(opened.weights, Mask.empty);
      const pruned = await scorer.score(opened.weights, mask);
      terminal.note(`perplexity ${figure(dense.ppl)} dense, ${figure(pruned.ppl)} without ${mask.toString()}`);
      // Before the training, which takes hours, and before its result.
      await opened.weights.assertUnchanged();
      await adapt(trainee, backend, out, text, options, terminal);
      await opened.weights.assertUnchanged();

      await copyCompanions(argument, files, out, config);
      const healedTensors = f32Parameters(healedParameters(trainee));
      const bytes = writeModelTensors(config, healedTensors, storedType(opened.weights));
      await writeFileWhole(join(out, 'model.safetensors'), bytes);
      const order = join(out, 'del_order_list.json');
      await writeFileWhole(order, writeOfficialOrder([mask.blocks]));
      const { perplexity: healed, contentHash } = await scorer.scoreFolder(out, mask);

      const document = {
        schema: 'blockpruner.heal/1',
        version: programVersion(),
        model: opened.weights.name,
        contentHash,
        mask: mask.toString(),
        ratios: ratios(countParameters(opened.weights), mask),
        trainedOn: basename(options.data),
        measuredOn: basename(options.valid),
        convention: conventionOf(chunks, scorer.nllSum),
        lora,
        settings: settingsOf(options),
        dense: figures(dense),
        pruned: figures(pruned),
        healed: figures(healed),
        recovered: recoveredShare(dense.ppl, pruned.ppl, healed.ppl),
        backend: backend.description,
        seconds: (performance.now() - started) / 1000,
      };
      await writeFileWhole(join(out, 'healing.json'), `${JSON.stringify(document, null, 2)}\n`);
      if (options.json) terminal.document(document);
      terminal.result(
        table(
          ['model', '>perplexity'],
          [
            ['dense', figure(dense.ppl)],
            [`pruned, ${percent(document.ratios.blocks)} of block parameters`, figure(pruned.ppl)],
            ['healed', figure(healed.ppl)],
          ],
        ),
      );
      terminal.result(recoveredText(dense.ppl, pruned.ppl, healed.ppl));
      terminal.result(`${basename(options.valid)}: ${document.convention.text}`);
      terminal.result(`${out}: removed blocks add zero, so any program computes the healed model;`);
      terminal.result(`with --mask ${order} they are not computed at all`);
    } finally {
      await backend.dispose();
      await unlock();
    }
  } finally {
    await opened.close();
  }
}

function outFolder({ out, run }: HealOptions): string {
  if (out !== undefined) return out;
  if (run === undefined) throw new UsageError('there is nowhere to write to.', { remedy: 'Give --run or --out.' });
  return join(run, 'healed');
}

/** @throws UsageError unless exactly one option says what was removed. */
function checkRemoved({ run, mask, step }: HealOptions): void {
  if (step !== undefined && run === undefined) throw new UsageError('--step goes with --run.');
  if ((run === undefined) !== (mask === undefined)) return;
  throw new UsageError('what was removed is not clear.', { remedy: 'Give either --run or --mask.' });
}

/** @throws UsageError for adapters larger than any matrix they could adapt. */
function checkRank({ rank }: LoraSettings, config: ModelConfig): void {
  const most = Math.max(0, ...walkOf(config).flatMap((id) => [...blockShapes(config, id).values()].flat()));
  if (rank <= most) return;
  throw new UsageError(`--rank ${rank}: no matrix of the model has more than ${most} rows or columns.`, {
    remedy: `Give 1 … ${most}.`,
  });
}

async function maskOf({ run, step, mask }: HealOptions, { weights }: OpenedModel, terminal: Terminal): Promise<Mask> {
  const argument = mask ?? `${join(run ?? '', 'del_order_list.json')}${step === undefined ? '' : `@${step}`}`;
  const found = await readMaskArgument(argument, weights.config, readTextFile);
  if (found.size === 0) throw new UsageError('nothing was removed, so there is nothing to heal.', { where: argument });
  const warn = (text: string): void => terminal.warn(text);
  if (run === undefined) await warnOfForeignMask(argument, weights, warn);
  else await requireOwnRun(run, weights, warn);
  return found;
}

async function adapt(
  trainee: Trainee,
  backend: GradientBackend,
  out: string,
  { stream, seqLen, hash }: TrainingText,
  options: HealOptions,
  terminal: Terminal,
): Promise<void> {
  const { rank, alpha, seed, sequences, fresh } = options;
  const identity = JSON.stringify({
    data: hash,
    mask: trainee.mask.toString(),
    rank,
    alpha,
    seed,
    sequences,
    seqLen,
  });
  const progress = new TrainingProgress(terminal, fresh);
  const events = train({
    backend,
    trainee,
    settings: settingsOf(options),
    draw: windowBatches(stream, sequences, seqLen, seededRng(seed).fork('data')),
    checkpoint: {
      every: 25,
      store: fileCheckpoint(join(out, 'healing.checkpoint'), fresh),
      identity,
      newHasher: nodeHasher,
    },
  });
  for await (const event of events) {
    progress.show(event);
    await turn();
  }
}

/** The paper's rate falls linearly from its beginning; AdamW as in PyTorch, without decay. */
function settingsOf({ steps, lr, accumulate }: HealOptions): TrainSettings {
  return {
    schedule: { steps, lr, minLr: 0, warmupSteps: 0, decay: 'linear' },
    optimizer: { ...defaultAdamW, beta2: 0.999, weightDecay: 0 },
    clip: 1,
    accumulate,
  };
}

/** Takes perplexities by one convention. */
class Scorer {
  readonly nllSum: NllSum;
  readonly #backend: GradientBackend;
  readonly #chunks: Chunks;

  constructor(backend: GradientBackend, chunks: Chunks, nllSum: NllSum) {
    this.nllSum = nllSum;
    this.#backend = backend;
    this.#chunks = chunks;
  }

  async score(weights: WeightSource, mask: Mask): Promise<Perplexity> {
    const model = await Transformer.load(weights, this.#backend, Infinity, this.nllSum);
    try {
      return await perplexity(model, this.#chunks, mask, 1, async (scores) => {
        await requireFiniteLoss(model, this.#chunks, mask, scores);
        await turn();
      });
    } finally {
      model.free();
    }
  }

  /** Of a model as it lies in a folder, with the hash of its weights. */
  async scoreFolder(folder: string, mask: Mask): Promise<{ perplexity: Perplexity; contentHash: string }> {
    const { weights, close } = await openModel(folder);
    try {
      return { perplexity: await this.score(weights, mask), contentHash: await weights.contentHash(nodeHasher()) };
    } finally {
      await close();
    }
  }
}

/** The type most of the model's numbers have, F16 where that is none we write. */
function storedType({ tensors }: WeightSource): 'F32' | 'F16' | 'BF16' {
  const dtypes = [...tensors.values()].toSorted((a, b) => b.bytes - a.bytes).map(({ dtype }) => dtype);
  return (['F32', 'F16', 'BF16'] as const).find((dtype) => dtype === dtypes[0]) ?? 'F16';
}
