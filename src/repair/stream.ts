/**
 * A residual stream of every unit of the text, all at the same place of the walk. A unit's stream
 * is kept on the host where there is room. Where there is none, it is computed from the embedding
 * whenever it is asked for: more work, the same bits.
 */
import type { Backend, DeviceTensor } from '../backends/backend.ts';
import { consume, withScope } from '../model/ownership.ts';
import { rowsOf, type Unit } from './units.ts';

/** A stream [R, C] of a unit goes on: through a block, say. Frees nothing. */
export type Move = (x: DeviceTensor, unit: Unit) => Promise<DeviceTensor>;

export class Stream {
  readonly #backend: Backend;
  readonly #embed: (unit: Unit) => Promise<DeviceTensor>;
  readonly #units: readonly Unit[];
  /** Each unit's stream where there is room for it. */
  readonly #kept: (Float32Array | null)[];
  /** All moves so far. */
  readonly #moves: Move[] = [];

  private constructor(backend: Backend, embed: (unit: Unit) => Promise<DeviceTensor>, units: readonly Unit[]) {
    this.#backend = backend;
    this.#embed = embed;
    this.#units = units;
    this.#kept = units.map(() => null);
  }

  /**
   * The stream at the embedding.
   * @param room for so many units' streams on the host: the first ones are kept.
   */
  static async open(
    backend: Backend,
    embed: (unit: Unit) => Promise<DeviceTensor>,
    units: readonly Unit[],
    room: number,
  ): Promise<Stream> {
    const stream = new Stream(backend, embed, units);
    for (const unit of units.slice(0, room)) {
      stream.#kept[unit.index] = await consume(backend, await embed(unit), (x) => backend.download(x));
    }
    return stream;
  }

  /** The same stream, to go on by another way. */
  fork(): Stream {
    const fork = new Stream(this.#backend, this.#embed, this.#units);
    // A move replaces arrays and changes none, so both may hold the same.
    for (const [index, values] of this.#kept.entries()) fork.#kept[index] = values;
    fork.#moves.push(...this.#moves);
    return fork;
  }

  /** A unit's stream [R, C] on the backend, for whoever asked to free. */
  async at(unit: Unit): Promise<DeviceTensor> {
    const kept = this.#kept[unit.index];
    if (kept !== null) return this.#uploaded(kept, unit);
    let x = await this.#embed(unit);
    for (const move of this.#moves) x = await consume(this.#backend, x, (before) => move(before, unit));
    return x;
  }

  /** All units go on. */
  async move(move: Move): Promise<void> {
    for (const unit of this.#units) {
      const kept = this.#kept[unit.index];
      if (kept === null) continue;
      this.#kept[unit.index] = await consume(this.#backend, await this.#uploaded(kept, unit), async (x) => {
        return consume(this.#backend, await move(x, unit), (moved) => this.#backend.download(moved));
      });
    }
    this.#moves.push(move);
  }

  #uploaded(values: Float32Array, unit: Unit): Promise<DeviceTensor> {
    const rows = rowsOf(unit);
    return withScope(this.#backend, (scope) => scope.keep(scope.upload(values, rows, values.length / rows)));
  }
}
