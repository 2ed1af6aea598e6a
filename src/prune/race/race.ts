import { designEffect, nothingKnown, outOfRace, raceLooks, rivalWeights, type DesignEffect } from './raceRule.ts';

export interface RaceStart {
  candidates: number;
  /** Number of chunks. */
  population: number;
  confidence: number;
  /** Mean differences in nats up to this are left to the end: a backend's own noise. */
  margin: number;
  /** Each candidate's place in the last step, 0 = best; null in a first step. */
  places: readonly number[] | null;
  /**
   * The design effect found in the last step, which serves until two chunks are seen; null in a
   * first step.
   */
  effect: DesignEffect | null;
}

/**
 * One step's race: who is still in, what was seen of them. It computes no losses; the search and
 * the replay feed it.
 */
export class Race {
  readonly #start: RaceStart;
  readonly #looks: readonly number[];
  readonly #weights: readonly number[];
  readonly #losses: Float64Array[][];
  readonly #shares: (readonly number[])[] = [];
  /** Candidates with a loss that is not a finite number: they can never win. */
  readonly #broken = new Set<number>();
  #alive: readonly number[];
  /** The best found so far: later looks see more chunks, but of fewer candidates. */
  #effect: DesignEffect | null = null;

  constructor(start: RaceStart) {
    this.#start = start;
    this.#looks = raceLooks(start.population, start.effect !== null);
    this.#weights = rivalWeights(start.candidates, start.places);
    this.#losses = Array.from({ length: start.candidates }, () => []);
    this.#alive = Array.from(this.#losses.keys());
  }

  /** Indices of the candidates still in, ascending. */
  get alive(): readonly number[] {
    return this.#alive;
  }

  /** Chunks seen so far. */
  get seen(): number {
    return this.#shares.length;
  }

  /** The design effect as far as it was found: for the next step. */
  get effect(): DesignEffect | null {
    return this.#effect;
  }

  /** Chunks that will have been seen when candidates are compared next, or all of them. */
  get nextLook(): number {
    return this.#looks.find((look) => look > this.seen) ?? this.#start.population;
  }

  /**
   * Takes the next chunk of all that are still in.
   * @param shares of the chunk's targets that each segment holds
   * @param natsOf Σ NLL of each segment divided by the chunk's targets; null where the chunk's
   * loss is not finite
   */
  add(shares: readonly number[], natsOf: (candidate: number) => Float64Array | null): void {
    this.#shares.push(shares);
    for (const candidate of this.#alive) {
      const nats = natsOf(candidate);
      if (nats === null) this.#broken.add(candidate);
      else this.#losses[candidate].push(nats);
    }
  }

  /** Compares those still in, if it is time to, and returns the ones that are out now. */
  look(): number[] {
    if (!this.#looks.includes(this.seen)) return [];
    const sound = this.#alive.filter((candidate) => !this.#broken.has(candidate));
    const { population, confidence, margin, effect: before } = this.#start;
    const losses = sound.map((candidate) => this.#losses[candidate]);
    const effect = designEffect(losses, this.#shares);
    if (effect.freedom > (this.#effect ?? nothingKnown).freedom) this.#effect = effect;
    const worse = outOfRace({
      losses,
      shares: this.#shares,
      weights: sound.map((candidate) => this.#weights[candidate]),
      looks: this.#looks.length,
      population,
      confidence,
      margin,
      effect: this.#effect ?? before ?? nothingKnown,
    });
    const left = new Set(sound.filter((_, index) => !worse.has(index)));
    const out = this.#alive.filter((candidate) => !left.has(candidate));
    this.#alive = [...left];
    return out;
  }
}
