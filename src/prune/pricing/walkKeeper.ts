/**
 * Keeps a walk on disk while it goes on, so that a killed run loses seconds, not the whole group of
 * chunks. What is kept is the walk's course: its streams, and the figures that are known. Which job
 * it belongs to is told by a hash over all that its figures depend on.
 *
 * A walk is kept so many seconds after it was kept last, and later where writing takes long: at
 * most 1/64 of the time goes into it.
 */
import type { Backend, DeviceTensor } from '../../backends/backend.ts';
import type { HeadFigures } from '../../model/head.ts';
import { AccessError, FormatError } from '../../errors.ts';
import type { StateFile } from '../../platform/stateFile.ts';
import type { Hasher } from '../../platform/sha256.ts';
import type { Bundle } from './bundles.ts';
import { Course } from './course.ts';
import { decodeCourse, encodeCourse, type ReadCourse, type StoredCourse, type StoredWalker } from './courseFile.ts';
import type { PricingJob } from './pricer.ts';
import type { StreamHolders } from './streamHolders.ts';
import type { CourseKeeper } from './sweep.ts';

/** Seconds between two times that a walk is kept. */
export const DEFAULT_SAVE_SECONDS = 10;

/** Writing takes one part in so many of the time, at most. */
const RARITY = 64;

/** But a walk is kept at the latest after so many times as long as was asked for. */
const LONGEST = 6;

/** What a run says of how its walks are to be kept. */
export interface Keeping {
  readonly file: StateFile;
  /** Default: `DEFAULT_SAVE_SECONDS`. */
  readonly everySeconds?: number;
  /** What the user should know: a file that is not gone on from, or that cannot be written. */
  readonly note: (text: string) => void;
  /** All that was computed of a walk is kept now. */
  readonly onKept?: () => void;
  /** Whether a walk is to be kept now, due or not: somebody wants to end the process. */
  readonly isUrgent?: () => boolean;
  /** The clock, in milliseconds; for specs. */
  readonly now?: () => number;
}

export interface JobKeeper extends CourseKeeper {
  /** Seconds of computing that the job took, in earlier processes too. */
  seconds(): number;
}

/** Keeps the walks of one run, one at a time. */
export class WalkKeeper {
  readonly #keeping: Keeping;
  readonly #newHasher: () => Hasher;
  readonly #identity: string;
  readonly #run = { broken: false };
  /** The job that the file is about, if one was begun. */
  #latest: OneJob | null = null;

  /** @param identity what the figures depend on beside the job: the journal's header. */
  constructor(keeping: Keeping, identity: unknown, newHasher: () => Hasher) {
    this.#keeping = keeping;
    this.#newHasher = newHasher;
    this.#identity = JSON.stringify(identity);
  }

  /**
   * A keeper for one job.
   * @param model names what was done to the model; null where it is the run's own.
   * @param withKl whether KL divergences are measured.
   */
  of({ mask, candidates, chunks }: PricingJob, model: string | null, withKl: boolean, backend: Backend): JobKeeper {
    const hasher = this.#newHasher();
    const names = candidates.map(({ name }) => name);
    const job = [this.#identity, model, mask.toString(), names, chunks, withKl];
    hasher.update(new TextEncoder().encode(JSON.stringify(job)));
    this.#latest = new OneJob(this.#keeping, hasher.digest(), this.#newHasher, backend, this.#run);
    return this.#latest;
  }

  /** Does away with the file of a walk that came to its end: the journal has its answer by now. */
  async settle(): Promise<void> {
    if (this.#latest?.isThrough === true) await this.clear();
  }

  /** Does away with the file: no walk is under way. */
  async clear(): Promise<void> {
    this.#latest = null;
    const { file, note } = this.#keeping;
    await file.remove().catch((error: unknown) => {
      if (!(error instanceof AccessError)) throw error;
      note(error.message);
    });
  }
}

class OneJob implements JobKeeper {
  readonly #keeping: Keeping;
  readonly #job: string;
  readonly #newHasher: () => Hasher;
  readonly #backend: Backend;
  /** Whether the file could not be written, in any job of the run. */
  readonly #run: { broken: boolean };
  readonly #now: () => number;
  readonly #started: number;
  /** Seconds of earlier processes. */
  #before = 0;
  #keptAt: number;
  /** What it took to keep the walk, in milliseconds, and how far the walk was. */
  #cost = 0;
  #kept = '';
  isThrough = false;

  constructor(keeping: Keeping, job: string, newHasher: () => Hasher, backend: Backend, run: { broken: boolean }) {
    this.#keeping = keeping;
    this.#job = job;
    this.#newHasher = newHasher;
    this.#backend = backend;
    this.#run = run;
    this.#now = keeping.now ?? (() => performance.now());
    this.#started = this.#now();
    this.#keptAt = this.#started;
  }

  seconds(): number {
    return this.#before + (this.#now() - this.#started) / 1000;
  }

  async resume(holders: StreamHolders, bundle: number): Promise<Course | null> {
    const { file, note } = this.#keeping;
    try {
      const source = await file.open();
      if (source === null) return null;
      try {
        const found = await decodeCourse(source, this.#job, this.#newHasher);
        if (typeof found !== 'string') return await this.#restore(found, holders, bundle);
        note(
          found === 'damaged'
            ? `${file.name} is damaged and is not used: this group of chunks is computed from its beginning.`
            : `${file.name} was left by another group of chunks, such as one of another --memory, and is not used.`,
        );
      } finally {
        await source.close();
      }
      await file.remove();
    } catch (error) {
      if (!(error instanceof AccessError || error instanceof FormatError)) throw error;
      note(`${error.message} This group of chunks is computed from its beginning.`);
    }
    return null;
  }

  async keepWhenDue(course: Course): Promise<void> {
    const every = 1000 * (this.#keeping.everySeconds ?? DEFAULT_SAVE_SECONDS);
    const wait = Math.max(every, Math.min(RARITY * this.#cost, LONGEST * every));
    const urgent = this.#keeping.isUrgent?.() === true;
    if (urgent || this.#now() - this.#keptAt >= wait) await this.#keep(course);
    this.isThrough = course.isThrough;
  }

  async keepBefore(course: Course): Promise<void> {
    const every = 1000 * (this.#keeping.everySeconds ?? DEFAULT_SAVE_SECONDS);
    if (this.#now() - this.#keptAt >= every / 5) await this.#keep(course);
  }

  async keepAtLast(course: Course): Promise<void> {
    if (!course.isWhole) return;
    try {
      await this.#keep(course);
    } catch {
      // The walk ends by what it ended by: a disposed backend gives no streams away.
    }
  }

  /** @throws what the backend throws. What the disk refuses is told once, and then left. */
  async #keep(course: Course): Promise<void> {
    const progress = progressOf(course);
    const { base } = course;
    const { file, note, onKept } = this.#keeping;
    if (this.#run.broken || base === null) return;
    if (progress === this.#kept) return onKept?.();
    const from = this.#now();
    const stored = this.#stored(course, base.stream);
    try {
      await file.write(encodeCourse(stored, this.#arrays(course, base.stream), this.#newHasher()));
      this.#kept = progress;
      onKept?.();
    } catch (error) {
      if (!(error instanceof AccessError)) throw error;
      this.#run.broken = true;
      note(`${error.message} What is computed of a group of chunks is not kept: a kill loses it.`);
    }
    this.#keptAt = this.#now();
    this.#cost = this.#keptAt - from;
  }

  #stored({ base, forks, waiting, figures, passes, work }: Course, { rows, cols }: DeviceTensor): StoredCourse {
    const walkers = (bundles: readonly Bundle[]): StoredWalker[] => bundles.map(({ names, at }) => ({ names, at }));
    return {
      job: this.#job,
      seconds: this.seconds(),
      passes,
      work,
      rows,
      cols,
      base: base?.at ?? 0,
      forks: walkers(forks.all),
      waiting: walkers(waiting.all),
      figures: [...figures.keys()],
      perRow: [...figures.values()].some(({ kl }) => kl !== undefined) ? 2 : 1,
    };
  }

  async *#arrays({ forks, waiting, figures }: Course, base: DeviceTensor): AsyncGenerator<Float32Array, void> {
    for (const { nll, kl } of figures.values()) yield kl === undefined ? nll : joined(nll, kl);
    for (const stream of [base, ...[...forks.all, ...waiting.all].map((bundle) => bundle.stream)]) {
      yield this.#backend.download(stream);
    }
  }

  async #restore({ course: stored, arrays }: ReadCourse, holders: StreamHolders, bundle: number): Promise<Course> {
    const { rows, cols, passes, work } = stored;
    const next = async (): Promise<Float32Array> => {
      const { value } = await arrays.next();
      if (value === undefined) throw new Error('a course has fewer arrays than it names.');
      return value;
    };
    const figures = new Map<string, HeadFigures>();
    for (const name of stored.figures) {
      const own = await next();
      const nll = own.subarray(0, rows);
      figures.set(name, stored.perRow === 1 ? { nll } : { nll, kl: own.subarray(rows) });
    }
    const base = { stream: this.#backend.store(await next(), rows, cols), at: stored.base };
    const course = new Course(holders, base, bundle, work, { passes, figures });
    try {
      // Each stream by itself: this process stacks as its own memory allows.
      for (const [bundles, walkers] of [
        [course.forks, stored.forks],
        [course.waiting, stored.waiting],
      ] as const) {
        for (const { names, at } of walkers) {
          const all = await next();
          for (const [index, name] of names.entries()) {
            const own = all.subarray(index * rows * cols, (index + 1) * rows * cols);
            const stream = this.#backend.store(own, rows, cols);
            holders.hold(stream);
            bundles.add(name, stream, at);
            holders.release(stream);
          }
        }
      }
    } catch (error) {
      course.release();
      throw error;
    }
    this.#before = stored.seconds;
    this.#kept = progressOf(course);
    return course;
  }
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function progressOf({ passes, figures }: Course): string {
  return `${passes} ${figures.size}`;
}
