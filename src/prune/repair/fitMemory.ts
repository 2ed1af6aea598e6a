/**
 * Where a run keeps the fits of its repair: their figures and the hashes of their tensors in the
 * journal, the tensors in a store. What the store has lost is fitted anew, to the same bits.
 */
import { FormatError, NotFoundError } from '../../errors.ts';
import type { WeightSource } from '../../model/weights.ts';
import type { BlockFit, FitMemory, FittedBlock } from '../../repair/repair.ts';
import type { StoredTensor, TensorStore } from '../../repair/store.ts';
import type { Journal } from '../journal.ts';
import type { Kept, PieceRecord } from '../journalPiece.ts';
import { OTHER_OUT } from '../journalRecords.ts';

/** What keys of pieces begin with that a result's repair keeps. */
export const REPAIR_KEY = 'repair: ';

/** A fit as the journal has it: its figures, and where its tensors are. */
interface KeptFit {
  readonly fit: BlockFit;
  readonly tensors: readonly StoredTensor[];
}

export class JournalledFits implements FitMemory {
  readonly #journal: Journal;
  readonly #store: TensorStore;
  readonly #source: WeightSource;
  readonly #settings: string;
  /** The fits of the repair that is under way, or was last. */
  #keys = new Set<string>();
  /** Files that are known to be gone. */
  readonly #dropped = new Set<string>();
  /** The fit that is being computed, and since when. */
  #computing: { key: string; since: number } | null = null;

  /**
   * @param source the whole model, which knows the tensors' shapes.
   * @param settings what the fits depend on beside model and text; part of their keys.
   */
  constructor(journal: Journal, store: TensorStore, source: WeightSource, settings: string) {
    this.#journal = journal;
    this.#store = store;
    this.#source = source;
    this.#settings = settings;
  }

  /** The tensors of the repair that is under way, or was last. */
  get tensors(): StoredTensor[] {
    return [...this.#keys].flatMap((key) => {
      const kept = this.#journal.piece(this.#keyOf(key));
      return kept === null ? [] : fitOf(kept).tensors;
    });
  }

  /** A repair begins, of which these fits are known. */
  begin(keys: Iterable<string> = []): void {
    this.#keys = new Set(keys);
  }

  /** Does away with the tensors of other repairs. */
  async dropOthers(): Promise<void> {
    const own = new Set(this.tensors.map(({ file }) => file));
    for (const piece of this.#journal.pieces(this.#keyOf(''))) {
      for (const tensor of fitOf(piece).tensors) {
        if (own.has(tensor.file) || this.#dropped.has(tensor.file)) continue;
        await this.#store.remove(tensor);
        this.#dropped.add(tensor.file);
      }
    }
  }

  async recall(key: string): Promise<FittedBlock | null> {
    this.#keys.add(key);
    const kept = this.#journal.piece(this.#keyOf(key));
    const fitted = kept === null ? null : await read(fitOf(kept), this.#store);
    if (fitted === null) this.#computing = { key, since: performance.now() };
    return fitted;
  }

  async keep(key: string, fitted: FittedBlock): Promise<void> {
    const since = this.#computing?.key === key ? this.#computing.since : performance.now();
    await this.take(key, fitted, (performance.now() - since) / 1000);
  }

  /**
   * @param seconds that the fit took and that the journal does not hold yet.
   * @throws FormatError where the journal holds another fit under the key.
   */
  async take(key: string, { fit, tensors }: FittedBlock, seconds: number): Promise<void> {
    const stored: StoredTensor[] = [];
    for (const [name, values] of tensors) {
      const tensor = await this.#store.write(name, this.#source.tensors.get(name)?.shape ?? [], values);
      this.#dropped.delete(tensor.file);
      stored.push(tensor);
    }
    const kept = this.#journal.piece(this.#keyOf(key));
    if (kept !== null) return requireSame(fitOf(kept), stored, key, this.#journal.placeOf(kept));
    const value = { fit, tensors: stored } as unknown as Kept;
    await this.#journal.addPiece({ type: 'piece', key: this.#keyOf(key), seconds, value });
  }

  #keyOf(key: string): string {
    return `${REPAIR_KEY}fit ${this.#settings} ${key}`;
  }
}

function fitOf({ value }: PieceRecord): KeptFit {
  return value as unknown as KeptFit;
}

/** The tensors with their values; null where the store has lost one. */
async function read({ fit, tensors }: KeptFit, store: TensorStore): Promise<FittedBlock | null> {
  const values = new Map<string, Float32Array>();
  for (const tensor of tensors) {
    try {
      values.set(tensor.name, await store.read(tensor));
    } catch (error) {
      if (error instanceof NotFoundError || error instanceof FormatError) return null;
      throw error;
    }
  }
  return { fit, tensors: values };
}

/** @throws FormatError where a fit that was made anew is not the one of the journal. */
function requireSame({ tensors }: KeptFit, stored: readonly StoredTensor[], key: string, where: string): void {
  const hashes = (list: readonly StoredTensor[]): string => list.map(({ name, sha256 }) => `${name} ${sha256}`).join();
  if (hashes(tensors) === hashes(stored)) return;
  throw new FormatError(`says that the fit of ${key} came to other values.`, {
    where,
    remedy: OTHER_OUT,
  });
}

/** Fits of one leader: what its mask shares with the result so far is there, the rest in memory. */
export class LeaderFits implements FitMemory {
  readonly #shared: JournalledFits;
  readonly #own = new Map<string, FittedBlock>();
  readonly #keys = new Set<string>();

  /** @param shared those of the result so far; they are only read. */
  constructor(shared: JournalledFits) {
    this.#shared = shared;
  }

  async recall(key: string): Promise<FittedBlock | null> {
    this.#keys.add(key);
    return this.#own.get(key) ?? (await this.#shared.recall(key));
  }

  keep(key: string, fitted: FittedBlock): Promise<void> {
    this.#own.set(key, fitted);
    return Promise.resolve();
  }

  /** Makes its fits those of the result. The journal has their seconds, in the leader's price. */
  async settle(): Promise<void> {
    this.#shared.begin(this.#keys);
    for (const [key, fitted] of this.#own) await this.#shared.take(key, fitted, 0);
    this.#own.clear();
  }
}
