import type { GradientBackend } from '../backends/gradients.ts';
import { UnsupportedModelError, UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { openFolderModel, type OpenedModel } from '../formats/modelFiles.ts';
import { readCompanions } from '../formats/write/companions.ts';
import { writeModel } from '../formats/write/modelWriter.ts';
import { safetensorsWriter, storedType } from '../formats/write/safetensorsWriter.ts';
import type { WeightSource } from '../model/weights.ts';
import { memorySink } from '../platform/fileSink.ts';
import { memoryFolder } from '../platform/memoryBytes.ts';
import { checkRank } from '../train/heal.ts';
import { defaultHealing, healRun, type HealEvent, type KeptModel } from '../train/healRun.ts';
import { HEAL_SEQUENCE, healText, type HealText } from '../train/healText.ts';
import type { HealResult, HealSettings } from './model.ts';
import { checkOptions, healRules } from './options.ts';
import type { Platform } from './platform.ts';
import type { Pruned } from './prunedWeights.ts';

/** What a healing takes from the model it heals. */
export interface Healed {
  readonly opened: OpenedModel;
  readonly platform: Platform;
  readonly pruned: () => Promise<Pruned>;
  readonly train: () => Promise<{ name: string; ids: Int32Array }>;
  readonly measure: () => Promise<{ name: string; chunks: Chunks }>;
  readonly gradients: () => Promise<GradientBackend>;
}

/** One call of `heal`, from its settings to the healed model. @throws as `Model.heal`. */
export async function* healEvents(settings: HealSettings, from: Healed): AsyncGenerator<HealEvent, HealResult> {
  checkOptions(settings, healRules);
  const { opened, platform } = from;
  const { weights, folder } = opened;
  const pruned = await from.pruned();
  const { mask, repair } = pruned;
  if (mask.size === 0) throw new UsageError('nothing was removed, so there is nothing to heal.', { where: 'mask' });
  if (folder === null) {
    throw new UnsupportedModelError('healing writes a folder with config.json and safetensors, and needs one.', {
      where: weights.name,
    });
  }
  const { steps, rank, alpha, lr, sequences, accumulate, seed } = defaultHealing;
  const healing = {
    steps: settings.steps ?? steps,
    rank: settings.rank ?? rank,
    alpha: settings.alpha ?? alpha,
    lr: settings.lr ?? lr,
    sequences: settings.sequences ?? sequences,
    accumulate: settings.accumulate ?? accumulate,
    seed: settings.seed ?? seed,
  };
  checkRank(healing.rank, weights.config);
  const text = await textOf(from, pruned, settings.seqLen);
  const measure = { ...(await from.measure()), nllSum: settings.nllSum ?? 'f64' };
  const files = new Map<string, Uint8Array>();
  const keep = async (healed: WeightSource): Promise<KeptModel> => {
    const companions = await readCompanions(folder, healed.config);
    await writeModel(safetensorsWriter(storedType(weights)), healed, companions, memorySink(files));
    return openFolderModel(memoryFolder(weights.name, files), weights.name);
  };
  const backend = await from.gradients();
  try {
    const { version, newHasher } = platform;
    const document = yield* healRun({
      source: weights,
      repaired: repair === null ? null : { weights: pruned.weights, by: repair },
      mask,
      backend,
      text,
      measure,
      settings: healing,
      version,
      newHasher,
      keep,
    });
    return { document, files: Object.fromEntries(files) };
  } finally {
    await backend.dispose();
  }
}

async function textOf({ platform, train }: Healed, { weights }: Pruned, asked?: number): Promise<HealText> {
  const { config } = weights;
  const seqLen = asked ?? Math.min(HEAL_SEQUENCE, config.maxPositionEmbeddings);
  if (seqLen > config.maxPositionEmbeddings) {
    throw new UsageError(`${seqLen} is more than the model's context of ${config.maxPositionEmbeddings} tokens.`, {
      where: 'seqLen',
    });
  }
  const { name, ids } = await train();
  return healText(name, ids, seqLen, weights, platform.newHasher);
}
