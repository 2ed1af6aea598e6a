/** The weights that a call runs: the model's own, or the same with the tensors of a repair. */
import { UsageError } from '../errors.ts';
import { edited, type RewriteEdit } from '../model/edit.ts';
import { turn } from '../model/eventLoop.ts';
import { Mask } from '../model/mask.ts';
import { sizeOf, type WeightSource } from '../model/weights.ts';
import type { Hasher } from '../platform/sha256.ts';
import { readRepair, repairIdentity, type RepairIdentity } from '../repair/readDocument.ts';
import { scaleEdits } from '../repair/scaleWalk.ts';
import type { StoredTensor } from '../repair/store.ts';
import type { LoadedWeights } from '../session/loadedWeights.ts';
import { maskText } from './maskText.ts';
import { checkOptions, repairResultRules } from './options.ts';
import type { RepairResult } from './repairResult.ts';
import type { PrunedSettings } from './settings.ts';

/** What a call's settings make of the model. */
export interface Pruned {
  readonly mask: Mask;
  readonly weights: WeightSource;
  /** Null where no tensor is another. */
  readonly repair: RepairIdentity | null;
}

/** Of the model's own weights and a repair's, one at a time is loaded. */
export class PrunedWeights {
  readonly #source: WeightSource;
  readonly #load: (source: WeightSource) => LoadedWeights;
  readonly #newHasher: () => Hasher;
  readonly #own: LoadedWeights;
  /** The latest repair, as long as only it is asked for. */
  #repaired: { key: string; weights: LoadedWeights } | null = null;
  #contentHash: string | null = null;

  /** @param load gives weights that are packed when a call needs them. */
  constructor(source: WeightSource, load: (source: WeightSource) => LoadedWeights, newHasher: () => Hasher) {
    this.#source = source;
    this.#load = load;
    this.#newHasher = newHasher;
    this.#own = load(source);
  }

  /** The model's own. */
  get own(): LoadedWeights {
    this.#dropRepaired();
    return this.#own;
  }

  of({ mask, weights, repair }: Pruned): LoadedWeights {
    if (repair === null) return this.own;
    this.#own.free();
    const key = JSON.stringify([mask.toString(), repair]);
    if (this.#repaired?.key !== key) {
      this.#dropRepaired();
      this.#repaired = { key, weights: this.#load(weights) };
    }
    return this.#repaired.weights;
  }

  /**
   * The removed blocks, and the weights with those that a repair fitted.
   * @throws MaskError; UsageError where mask and repair are both given, or the repair is another
   * model's or not what `repair` gave; FormatError for a damaged document.
   */
  async pruned({ mask, repair }: PrunedSettings): Promise<Pruned> {
    const weights = this.#source;
    if (repair === undefined) return { mask: Mask.parse(maskText(mask), weights.config), weights, repair: null };
    if (mask !== undefined) {
      throw new UsageError('mask and repair both say which blocks are removed.', { remedy: 'Give one of them.' });
    }
    checkOptions(repair, repairResultRules);
    const { document, tensors } = repair as Partial<RepairResult>;
    if (document === undefined || tensors === undefined) {
      throw new UsageError('must be what repair gave: its document and its tensors.', { where: 'repair' });
    }
    await this.#requireOwn(document);
    const written = readRepair(document.repair, 'repair', weights);
    const removed = Mask.parse(written.mask, weights.config);
    const edits: RewriteEdit[] = scaleEdits(weights.config, removed, written.scales);
    for (const tensor of written.tensors) {
      const values = this.#checked(tensor, tensors.get(tensor.name));
      edits.push({ type: 'rewrite', tensor: tensor.name, values: () => Promise.resolve(values) });
      await turn();
    }
    return { mask: removed, weights: edited(weights, edits), repair: repairIdentity(written) };
  }

  free(): void {
    this.#own.free();
    this.#dropRepaired();
  }

  #dropRepaired(): void {
    this.#repaired?.weights.free();
    this.#repaired = null;
  }

  /** @throws UsageError for the repair of a model with other weights. */
  async #requireOwn({ model }: RepairResult['document']): Promise<void> {
    this.#contentHash ??= await this.#source.contentHash(this.#newHasher());
    if (model?.contentHash === this.#contentHash) return;
    throw new UsageError(`belongs to a model whose weights are not those of '${this.#source.name}'.`, {
      where: 'repair',
      remedy: 'Repair this model.',
    });
  }

  /** @throws UsageError for values that are not those the document tells of. */
  #checked({ name, shape, sha256 }: StoredTensor, values: Float32Array | undefined): Float32Array {
    if (values instanceof Float32Array && values.length === sizeOf(shape)) {
      const hasher = this.#newHasher();
      hasher.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      if (hasher.digest() === sha256) return values;
    }
    throw new UsageError(`holds other values of ${name} than those that were fitted.`, {
      where: 'repair',
      remedy: 'Pass on what repair gave, unchanged.',
    });
  }
}
