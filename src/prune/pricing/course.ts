/**
 * Where a sweep's walk is: its streams, each with the next block that it is to pass, and what is
 * known already. A walk can go on from any course, in this process or in another one
 * (walkKeeper.ts), and comes to the same bits.
 */
import type { DeviceTensor } from '../../backends/backend.ts';
import { walkIndex } from '../../model/blockId.ts';
import type { HeadFigures } from '../../model/head.ts';
import type { Candidate } from '../candidates.ts';
import { Bundles, type Bundle } from './bundles.ts';
import type { WalkState } from './checkpoints.ts';
import type { StreamHolders } from './streamHolders.ts';
import type { SweepWork } from './sweepWork.ts';

/** Whose name the unpruned stream's figures have. No candidate is called so. */
export const BASE = '';

export interface SweepProgress {
  /** Block passes done and to do in all; a pass is one block on one stream. */
  passes: number;
  totalPasses: number;
  /** Share of the work that is done, the head's too, 0 … 1; `kept` of it in another process. */
  share: number;
  kept: number;
  /** Figures that are new since the event before, by the candidate's name. */
  figures: ReadonlyMap<string, HeadFigures>;
}

/** A stream that is somewhere on the walk. */
export type Walker = Pick<Bundle, 'stream' | 'at'>;

export class Course {
  readonly #holders: StreamHolders;
  /** The stream that only the mask has pruned; null when the head has had it. */
  #base: Walker | null;
  /** The forks of the portion that is under way. */
  readonly forks: Bundles;
  /** Forks that were there before the walk, until it is their portion's turn. */
  readonly waiting: Bundles;
  /** Figures of the streams that are through, by name. */
  readonly figures: Map<string, HeadFigures>;
  /** Block passes done; a pass is one block on one stream. */
  passes = 0;
  readonly work: SweepWork;
  /** The share of the work that was done in another process. */
  readonly kept: number;
  /** Names whose figures were told. */
  readonly #told = new Set<string>();
  /**
   * Where the walk began, in places; Infinity where it began in another process, and what passed
   * the places then is not here.
   */
  readonly start: number;
  #whole = true;

  /**
   * @param base is held from now on.
   * @param bundle streams of a bundle at most.
   * @param before what was done in another process; its forks are put in `waiting` or `forks`.
   */
  constructor(
    holders: StreamHolders,
    base: Walker | null,
    bundle: number,
    work: SweepWork,
    before: { passes: number; figures: ReadonlyMap<string, HeadFigures> } | null = null,
  ) {
    this.#holders = holders;
    if (base !== null) holders.hold(base.stream);
    this.#base = base;
    this.forks = new Bundles(holders, bundle);
    this.waiting = new Bundles(holders, bundle);
    this.work = work;
    this.start = before === null ? (base?.at ?? 0) : Infinity;
    this.passes = before?.passes ?? 0;
    this.figures = new Map(before?.figures);
    this.kept = this.#share();
  }

  get base(): Walker | null {
    return this.#base;
  }

  /** The unpruned stream, unless it is beyond a place already. */
  baseAt(place: number): DeviceTensor | null {
    return this.#base !== null && this.#base.at <= place ? this.#base.stream : null;
  }

  /** Whether all streams of the walk are here, so that it could go on from here. */
  get isWhole(): boolean {
    return this.#whole;
  }

  /** Whether the walk has come to its end. */
  get isThrough(): boolean {
    return this.figures.has(BASE);
  }

  /** Puts what came out of a block in the base's place. */
  moveBase(stream: DeviceTensor, at: number): void {
    this.#holders.hold(stream);
    if (this.#base !== null) this.#holders.release(this.#base.stream);
    this.#base = { stream, at };
  }

  /**
   * The candidates that are not through, in portions of so many, in the order of their blocks. The
   * first are those whose forks are under way. The base goes along with the last portion, which may
   * be empty.
   */
  portions(candidates: readonly Candidate[], size: number): Candidate[][] {
    const left = candidates
      .filter(({ name }) => !this.figures.has(name))
      .toSorted((a, b) => walkIndex(a.blocks[0]) - walkIndex(b.blocks[0]));
    const underWay = left.filter(({ name }) => this.forks.has(name));
    const others = left.filter(({ name }) => !this.forks.has(name));
    const portions = underWay.length > 0 ? [underWay] : [];
    for (let from = 0; from < others.length; from += size) portions.push(others.slice(from, from + size));
    return portions.length > 0 ? portions : [[]];
  }

  /** Forks of a portion that wait for it come in. */
  begin(portion: readonly Candidate[]): void {
    this.forks.take(this.waiting.all, new Set(portion.map(({ name }) => name)));
    this.waiting.release(new Set([...this.figures.keys(), ...this.forks.all.flatMap(({ names }) => names)]));
  }

  /** What an earlier walk left at a block: its forks wait for their portions. */
  waitFor({ forks }: WalkState, candidates: readonly Candidate[]): void {
    this.waiting.take(forks, new Set(candidates.map(({ name }) => name)));
  }

  /** The portion's bundles, and the base if it is named, as many together as have so many rows. */
  throughBlocks(besides: readonly string[], rows: number): Bundle[][] {
    const base = besides.includes(BASE) && this.#base !== null ? [{ names: [BASE], ...this.#base }] : [];
    const groups: Bundle[][] = [];
    let room = 0;
    for (const bundle of [...this.forks.all, ...base]) {
      if (room < bundle.stream.rows) {
        groups.push([]);
        room = Math.max(rows, bundle.stream.rows);
      }
      groups[groups.length - 1].push(bundle);
      room -= bundle.stream.rows;
    }
    return groups;
  }

  /** Gives streams away, to be let go of one by one by what is returned. */
  give(bundles: readonly Bundle[]): (stream: DeviceTensor) => void {
    for (const { stream } of bundles) this.#holders.hold(stream);
    this.#letGo(new Set(bundles.flatMap(({ names }) => names)));
    this.#whole = false;
    return (stream) => this.#holders.release(stream);
  }

  /** What the head says of streams, and that they are through: by name. */
  finish(figures: ReadonlyMap<string, HeadFigures>): void {
    for (const [name, own] of figures) this.figures.set(name, own);
    this.#letGo(new Set(figures.keys()));
    this.#whole = true;
  }

  /** How far it is. */
  progress(): SweepProgress {
    const figures = new Map([...this.figures].filter(([name]) => name !== BASE && !this.#told.has(name)));
    for (const name of figures.keys()) this.#told.add(name);
    const { passes, kept } = this;
    return { passes, totalPasses: this.work.passes, share: this.#share(), kept, figures };
  }

  #share(): number {
    const { passes, streams, headPasses } = this.work;
    return (this.passes + headPasses * this.figures.size) / (passes + headPasses * streams);
  }

  /** Lets go of all streams. */
  release(): void {
    this.forks.release();
    this.waiting.release();
    this.#dropBase();
  }

  #letGo(names: ReadonlySet<string>): void {
    this.forks.release(names);
    if (names.has(BASE)) this.#dropBase();
  }

  #dropBase(): void {
    if (this.#base !== null) this.#holders.release(this.#base.stream);
    this.#base = null;
  }
}
