/** From a recipe to what `train` takes. */
import type { GradientBackend } from '../backends/gradients.ts';
import { DataError } from '../errors.ts';
import { chunkData, defaultEvalSettings, type Chunks } from '../eval/chunks.ts';
import { perplexity } from '../eval/perplexity.ts';
import { parseData } from '../eval/textData.ts';
import { parseHfConfig } from '../formats/huggingface/config.ts';
import { expectedTensors } from '../formats/huggingface/tensorShapes.ts';
import { runInTurns } from '../model/eventLoop.ts';
import { Mask } from '../model/mask.ts';
import { Transformer } from '../model/transformer.ts';
import type { WeightSource } from '../model/weights.ts';
import type { Hasher } from '../platform/sha256.ts';
import { seededRng } from '../tensor/rng.ts';
import { tokenizerFromJson } from '../tokenizer/fromJson.ts';
import { defaultAdamW } from './adamW.ts';
import { windowBatches, type DrawBatch } from './batch.ts';
import { initialSteps } from './initialise.ts';
import type { Recipe, TextPart } from './recipe.ts';
import { tokenStream } from './stream.ts';
import type { Figures, TrainSettings } from './train.ts';
import { wholeTrainee, type Trainee } from '../autodiff/trainee.ts';

/** Chunks that are scored at once. */
const GROUP = 8;

export interface Prepared {
  trainee: Trainee;
  settings: TrainSettings;
  draw: DrawBatch;
  measureEvery: number;
  /**
   * The recipe's figures for weights: of its own while it trains, or as they were written to files.
   * Null without any.
   */
  measure: ((weights: WeightSource, backend: GradientBackend) => Promise<Figures>) | null;
  /** The validation text as it is scored; null without one. */
  validation: Chunks | null;
  /** What the run is: a hash of the recipe's file and of the texts it names. */
  identity: string;
}

/**
 * Reads a recipe's texts and makes its initial weights.
 * @param source the recipe's file as text, of which the run's identity is made.
 * @param readText a file that the recipe names.
 * @throws what the readers of config, tokenizer and text throw; DataError for a text too short.
 */
export async function prepare(
  recipe: Recipe,
  source: string,
  readText: (file: string) => Promise<string>,
  newHasher: () => Hasher,
): Promise<Prepared> {
  const { config } = parseHfConfig(recipe.config, 'config of the recipe');
  const tokenizer = tokenizerFromJson(recipe.tokenizer, undefined, 'tokenizer of the recipe');
  const shapes = new Map([...expectedTensors(config)].map(([name, { shape }]) => [name, shape] as const));
  const rng = seededRng(recipe.seed);
  const parameters = await runInTurns(initialSteps(config, shapes, rng.fork('weights')));
  const { train, sequences, seqLen } = recipe;
  const hasher = newHasher();
  hasher.update(new TextEncoder().encode(source));

  const read = async (part: TextPart): Promise<string> => {
    const text = cut(await readText(part.file), part);
    hasher.update(new TextEncoder().encode(text));
    return text;
  };
  const order = rng.fork('data');
  let draw: DrawBatch;
  if ('draw' in train) {
    draw = (step, part) => train.draw(order.fork(`batch ${step} ${part}`), sequences, seqLen);
  } else {
    const data = parseData(train.file, await read(train), 'text');
    draw = windowBatches(tokenStream(train.file, data, '', config.vocabSize, tokenizer), sequences, seqLen, order);
  }
  let validation: Chunks | null = null;
  if (recipe.validation !== undefined) {
    const { file } = recipe.validation;
    const data = parseData(file, await read(recipe.validation), 'text');
    validation = chunkData(file, data, config, tokenizer, { ...defaultEvalSettings, bos: 'none' });
  }
  const chunks = validation;
  const task = 'draw' in train ? train.measure?.bind(train) : undefined;
  const measure = async (weights: WeightSource, backend: GradientBackend): Promise<Figures> => {
    const model = await Transformer.load(weights, backend, Infinity);
    try {
      const scored = chunks === null ? null : await perplexity(model, chunks, Mask.empty, GROUP);
      return {
        ...(scored === null ? {} : { loss: scored.nll, perplexity: scored.ppl }),
        ...(await task?.(model)),
      };
    } finally {
      model.free();
    }
  };
  return {
    trainee: wholeTrainee(config, parameters),
    settings: settingsOf(recipe),
    draw,
    measureEvery: recipe.measureEvery ?? Math.max(1, Math.floor(recipe.steps / 20)),
    measure: chunks === null && task === undefined ? null : measure,
    validation,
    identity: hasher.digest(),
  };
}

function settingsOf(recipe: Recipe): TrainSettings {
  const { steps, lr, weightDecay, beta1, beta2, eps } = recipe;
  return {
    schedule: {
      steps,
      lr,
      minLr: recipe.minLr ?? lr / 10,
      warmupSteps: recipe.warmupSteps ?? Math.floor(steps / 20),
      decay: recipe.decay ?? 'cosine',
    },
    optimizer: {
      weightDecay: weightDecay ?? defaultAdamW.weightDecay,
      beta1: beta1 ?? defaultAdamW.beta1,
      beta2: beta2 ?? defaultAdamW.beta2,
      eps: eps ?? defaultAdamW.eps,
    },
    clip: recipe.clip ?? 1,
    accumulate: recipe.accumulate ?? 1,
  };
}

/** A part of a text; a cut never parts the halves of a character. */
function cut(text: string, { file, from = 0, to = 1 }: TextPart): string {
  const at = (part: number): number => {
    const index = Math.floor(part * text.length);
    return /^[\uDC00-\uDFFF]/.test(text.slice(index, index + 1)) ? index + 1 : index;
  };
  const part = text.slice(at(from), at(to));
  if (part === '') throw new DataError('this part of the text is empty.', { where: file });
  return part;
}
