/**
 * The forks of a sweep, several stacked into one tall stream: a bundle. All its candidates pass a
 * block by the same few kernel calls, which pays where the rows of one stream do not fill them:
 * most of all on a GPU, on a CPU for short chunks. A row's result does not depend on the rows
 * around it (backend.ts), so bundles change no bit. Where a stream has rows enough a bundle is one
 * stream, and nothing is ever copied.
 *
 * The size is fixed for a walk; forks come one by one, so the rule is: neighbours that fit into
 * one bundle are stacked. Any two bundles beside each other are then more than one bundle's worth,
 * whatever came, went, or was left by an earlier step.
 */
import type { DeviceTensor } from '../../backends/backend.ts';
import type { ModelConfig } from '../../model/config.ts';
import { footprint } from '../../model/footprint.ts';
import type { HeadFigures } from '../../model/head.ts';
import type { StreamBackend, StreamHolders, StreamScope } from './streamHolders.ts';

/** Streams of some candidates, one below the other. */
export interface Bundle {
  /** Whose streams they are, from the top. */
  readonly names: readonly string[];
  /** [names.length · R, C] for streams of R rows. */
  readonly stream: DeviceTensor;
  /** The place in the walk (`walkIndex`) of the next block that they are to pass. */
  readonly at: number;
}

/**
 * Streams of `rows` rows that a bundle takes: as many as make the widest result of a block
 * `stackBytes` large (`Backend.stackBytes`), and at least one.
 */
export function bundleSize(config: ModelConfig, rows: number, stackBytes: number): number {
  return Math.max(1, Math.floor(stackBytes / (4 * footprint(config).widestRow * rows)));
}

/** The bundles of one walk. It holds their streams until it is told to let go. */
export class Bundles {
  readonly #holders: StreamHolders;
  readonly #size: number;
  readonly #list: Bundle[] = [];

  /** @param size streams of a bundle at most. */
  constructor(holders: StreamHolders, size: number) {
    this.#holders = holders;
    this.#size = size;
  }

  get all(): readonly Bundle[] {
    return this.#list;
  }

  has(name: string): boolean {
    return this.#list.some(({ names }) => names.includes(name));
  }

  /** A candidate's stream, as a bundle of its own. */
  add(name: string, stream: DeviceTensor, at: number): void {
    this.#push({ names: [name], stream, at });
  }

  /**
   * What other bundles hold of the `wanted` candidates. One that is wanted whole is shared, not
   * copied.
   */
  take(bundles: readonly Bundle[], wanted: ReadonlySet<string>): void {
    for (const bundle of bundles) {
      const names = bundle.names.filter((name) => wanted.has(name));
      if (names.length === bundle.names.length) this.#push(bundle);
      else if (names.length > 0) {
        const stream = stacked(this.#holders.backend, (scope) => rowsOf(scope, bundle, wanted));
        this.#push({ names, stream, at: bundle.at });
      }
    }
  }

  /**
   * Stacks neighbours that fit into one bundle and are to pass the block at `place`. A fork that
   * skips that block stays alone.
   */
  stack(place: number): void {
    for (let index = 0; index + 1 < this.#list.length;) {
      const [upper, lower] = this.#list.slice(index, index + 2);
      const names = [...upper.names, ...lower.names];
      if (names.length > this.#size || Math.max(upper.at, lower.at) > place) {
        index++;
        continue;
      }
      const stream = stacked(this.#holders.backend, () => [upper.stream, lower.stream]);
      this.#holders.hold(stream);
      this.#list.splice(index, 2, { names, stream, at: place });
      for (const part of [upper, lower]) this.#holders.release(part.stream);
    }
  }

  /** Puts what came out of a block in the place of what went in. */
  replace(index: number, stream: DeviceTensor, at: number): void {
    const { names, stream: before } = this.#list[index];
    this.#holders.hold(stream);
    this.#list[index] = { names, stream, at };
    this.#holders.release(before);
  }

  /** Lets go of all streams, or of those whose names are all among these. */
  release(some?: ReadonlySet<string>): void {
    const gone = this.#list.filter(({ names }) => some === undefined || names.every((name) => some.has(name)));
    for (const bundle of gone) {
      this.#list.splice(this.#list.indexOf(bundle), 1);
      this.#holders.release(bundle.stream);
    }
  }

  #push(bundle: Bundle): void {
    this.#holders.hold(bundle.stream);
    this.#list.push(bundle);
  }
}

/** Each candidate's own of the head's figures of each bundle. */
export function unstack(bundles: readonly Bundle[], figures: readonly HeadFigures[]): Map<string, HeadFigures> {
  const own = new Map<string, HeadFigures>();
  for (const [index, { names }] of bundles.entries()) {
    const { nll, kl } = figures[index];
    const rows = nll.length / names.length;
    for (const [at, name] of names.entries()) {
      const of = (numbers: Float32Array): Float32Array => numbers.subarray(at * rows, (at + 1) * rows);
      own.set(name, kl === undefined ? { nll: of(nll) } : { nll: of(nll), kl: of(kl) });
    }
  }
  return own;
}

/** The rows of the `wanted` candidates as views, one for each run of neighbours. */
function rowsOf(scope: StreamScope, { names, stream }: Bundle, wanted: ReadonlySet<string>): DeviceTensor[] {
  const rows = stream.rows / names.length;
  const views: DeviceTensor[] = [];
  for (let from = 0; from < names.length;) {
    let to = from;
    while (to < names.length && wanted.has(names[to])) to++;
    if (to > from) views.push(scope.view(stream, from * rows, to * rows));
    // The one that ended the run is not wanted.
    from = to + 1;
  }
  return views;
}

/** The parts as one stream that lives until freed. */
function stacked(backend: StreamBackend, parts: (scope: StreamScope) => DeviceTensor[]): DeviceTensor {
  const scope = backend.scope();
  try {
    return scope.keep(scope.stack(parts(scope)));
  } finally {
    scope.close();
  }
}
