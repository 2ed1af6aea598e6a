/**
 * A whole healing as events: the dense and the pruned model are measured, adapters are trained and
 * merged, and the healed model is kept and measured as it was kept.
 */
import type { LoraSettings } from '../autodiff/lora.ts';
import { parameterSource, readParameters } from '../autodiff/parameters.ts';
import type { GradientBackend } from '../backends/gradients.ts';
import type { Chunks } from '../eval/chunks.ts';
import { conventionOf, type Convention } from '../eval/convention.ts';
import { figures, type PerplexityFigures } from '../eval/figures.ts';
import { requireFiniteLoss } from '../eval/nonFinite.ts';
import { perplexity, type Perplexity } from '../eval/perplexity.ts';
import { turn } from '../model/eventLoop.ts';
import { Mask } from '../model/mask.ts';
import { countParameters } from '../model/parameters.ts';
import { Transformer } from '../model/transformer.ts';
import type { WeightSource } from '../model/weights.ts';
import type { NllSum } from '../ops/nll.ts';
import type { Hasher } from '../platform/sha256.ts';
import type { Ratios } from '../prune/events.ts';
import { ratios } from '../prune/ratios.ts';
import { seededRng } from '../tensor/rng.ts';
import { defaultAdamW } from './adamW.ts';
import { windowBatches } from './batch.ts';
import { memoryCheckpoint, type CheckpointStore } from './checkpoint.ts';
import { healedParameters, healingTrainee } from './heal.ts';
import type { HealText } from './healText.ts';
import { recoveredShare } from './recovered.ts';
import { train, type TrainEvent, type TrainSettings } from './train.ts';

export interface HealSettings {
  readonly steps: number;
  /** Rank and alpha of the adapters: each counts alpha / rank. */
  readonly rank: number;
  readonly alpha: number;
  /** The first step's; it falls linearly to 0. */
  readonly lr: number;
  /** Sequences a batch, and batches a step. */
  readonly sequences: number;
  readonly accumulate: number;
  readonly seed: number;
}

/** The settings of who gives none. */
export const defaultHealing: HealSettings = {
  steps: 200,
  rank: 32,
  alpha: 10,
  lr: 2e-4,
  sequences: 1,
  accumulate: 4,
  seed: 0,
};

/** How perplexities are taken. */
export interface HealMeasure {
  readonly name: string;
  readonly chunks: Chunks;
  readonly nllSum: NllSum;
}

/** Weights that were kept, opened as they are. */
export interface KeptModel {
  readonly weights: WeightSource;
  close(): Promise<void>;
}

/** How pruned weights were repaired before they are healed, as documents name it. */
export interface HealRepair {
  readonly form: string;
  readonly scope: string;
  readonly tensors: readonly { readonly name: string; readonly sha256: string }[];
  /** Of form `scale`: by what the stream after a block was multiplied. */
  readonly scales?: readonly { readonly block: string; readonly scale?: number }[];
}

export interface HealJob {
  /** The whole model. */
  readonly source: WeightSource;
  /** The same with the tensors that a repair rewrote: what is trained on. Default: `source`. */
  readonly repaired?: { readonly weights: WeightSource; readonly by: HealRepair } | null;
  /** What pruning removed. */
  readonly mask: Mask;
  readonly backend: GradientBackend;
  readonly text: HealText;
  readonly measure: HealMeasure;
  readonly settings: HealSettings;
  /** Of the program, for the document. */
  readonly version: string;
  readonly newHasher: () => Hasher;
  /** Default: in memory, so that a run that is stopped begins anew. */
  readonly checkpoint?: CheckpointStore;
  /**
   * Writes the healed model wherever it shall stay, and opens it there: it is measured as it was
   * written.
   */
  readonly keep: (healed: WeightSource) => Promise<KeptModel>;
}

/** The models that are measured; the repaired one only where there was a repair. */
export type HealedModel = 'dense' | 'pruned' | 'repaired' | 'healed';

export type HealEvent =
  TrainEvent | { readonly type: 'scored'; readonly model: HealedModel; readonly perplexity: Perplexity };

/** What healing came to, as healing.json holds it. */
export interface HealDocument {
  readonly schema: 'blockpruner.heal/1';
  readonly version: string;
  readonly model: string;
  /** Of the healed weights. */
  readonly contentHash: string;
  readonly mask: string;
  readonly ratios: Ratios;
  readonly trainedOn: string;
  readonly measuredOn: string;
  readonly convention: Convention;
  readonly lora: LoraSettings;
  readonly settings: TrainSettings;
  readonly dense: PerplexityFigures;
  readonly pruned: PerplexityFigures;
  /** Only where a repaired model was healed: how it was repaired, and how good it was. */
  readonly repair?: HealRepair;
  readonly repaired?: PerplexityFigures;
  readonly healed: PerplexityFigures;
  /** See `recoveredShare`. */
  readonly recovered: number | null;
  readonly backend: string;
  seconds: number;
}

/** Steps between checkpoints. */
const CHECKPOINT_EVERY = 25;

/**
 * Heals a pruned model. Leaving the loop stops it; with the checkpoint it goes on from there.
 * @throws what `train` and `perplexity` throw; FileChangedError where the model's files changed
 * meanwhile.
 */
export async function* healRun(job: HealJob): AsyncGenerator<HealEvent, HealDocument> {
  const started = performance.now();
  const { source, repaired = null, mask, backend, measure, settings } = job;
  const weights = repaired?.weights ?? source;
  const lora: LoraSettings = { rank: settings.rank, alpha: settings.alpha };
  const parameters = await readParameters(weights);
  const trainee = healingTrainee(source.config, parameters, mask, lora, seededRng(settings.seed).fork('adapters'));

  const dense = await score(job, source, Mask.empty);
  yield { type: 'scored', model: 'dense', perplexity: dense };
  const pruned = await score(job, source, mask);
  yield { type: 'scored', model: 'pruned', perplexity: pruned };
  const mended = repaired === null ? null : await score(job, weights, mask);
  if (mended !== null) yield { type: 'scored', model: 'repaired', perplexity: mended };
  // Before the training, which takes hours, and before its result.
  await source.assertUnchanged();
  const { text, newHasher, checkpoint = memoryCheckpoint() } = job;
  const events = train({
    backend,
    trainee,
    settings: healTrainSettings(settings),
    draw: windowBatches(text.stream, settings.sequences, text.seqLen, seededRng(settings.seed).fork('data')),
    checkpoint: { every: CHECKPOINT_EVERY, store: checkpoint, identity: identityOf(job), newHasher },
  });
  for await (const event of events) {
    yield event;
    await turn();
  }
  await source.assertUnchanged();

  const kept = await job.keep(parameterSource(source.name, source.config, healedParameters(trainee)));
  try {
    const healed = await score(job, kept.weights, mask);
    yield { type: 'scored', model: 'healed', perplexity: healed };
    return {
      schema: 'blockpruner.heal/1',
      version: job.version,
      model: source.name,
      contentHash: await kept.weights.contentHash(newHasher()),
      mask: mask.toString(),
      ratios: ratios(countParameters(source), mask),
      trainedOn: text.name,
      measuredOn: measure.name,
      convention: conventionOf(measure.chunks, measure.nllSum),
      lora,
      settings: healTrainSettings(settings),
      dense: figures(dense),
      pruned: figures(pruned),
      ...(repaired === null || mended === null ? {} : { repair: repaired.by, repaired: figures(mended) }),
      healed: figures(healed),
      recovered: recoveredShare(dense.ppl, pruned.ppl, healed.ppl),
      backend: backend.description,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await kept.close();
  }
}

/** The paper's rate falls linearly from its beginning; AdamW as in PyTorch, without decay. */
function healTrainSettings({ steps, lr, accumulate }: HealSettings): TrainSettings {
  return {
    schedule: { steps, lr, minLr: 0, warmupSteps: 0, decay: 'linear' },
    optimizer: { ...defaultAdamW, beta2: 0.999, weightDecay: 0 },
    clip: 1,
    accumulate,
  };
}

/** What a checkpoint belongs to, beside settings and kernels. */
function identityOf({ text, mask, settings }: HealJob): string {
  const { rank, alpha, seed, sequences } = settings;
  return JSON.stringify({
    data: text.hash,
    mask: mask.toString(),
    rank,
    alpha,
    seed,
    sequences,
    seqLen: text.seqLen,
  });
}

/** A perplexity by the job's convention, a chunk at a time. */
async function score({ backend, measure }: HealJob, weights: WeightSource, mask: Mask): Promise<Perplexity> {
  const { chunks, nllSum } = measure;
  const model = await Transformer.load(weights, backend, Infinity, nllSum);
  try {
    return await perplexity(model, chunks, mask, 1, async (scores) => {
      await requireFiniteLoss(model, chunks, mask, scores);
      await turn();
    });
  } finally {
    model.free();
  }
}
