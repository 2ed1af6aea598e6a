/**
 * What a fuzzer needs of a parser: damaged files to feed it, and what must hold of the result. A
 * file is either refused with a typed error of one line, or read, and then the result must be right
 * as far as an independent look can tell.
 */
import { fc } from '@fast-check/vitest';
import { BlockprunerError } from '../../src/errors.ts';
import { expectTyped } from '../formats/hostile.ts';

export type Outcome = 'read' | 'refused';

export interface Target {
  /** The parser's name, for `--only`. */
  readonly name: string;
  /** Its share of all files, relative to the other targets. */
  readonly weight: number;
  /** Draws `count` damaged files from a seed and gives functions that feed one each. */
  batch(seed: number, count: number): (() => Promise<Outcome>)[];
}

/**
 * A target from an arbitrary and a function that feeds one input. `feed` throws what a user would
 * see; whatever is no typed error of ours counts as a fault.
 */
export function target<T>(name: string, weight: number, inputs: fc.Arbitrary<T>, feed: Feed<T>): Target {
  return {
    name,
    weight,
    batch: (seed, count) => draw(inputs, seed, count).map((input) => () => outcomeOf(() => feed(input))),
  };
}
type Feed<T> = (input: T) => void | Promise<void>;

function draw<T>(inputs: fc.Arbitrary<T>, seed: number, count: number): T[] {
  return fc.sample(inputs, { seed, numRuns: count });
}

async function outcomeOf(feed: () => void | Promise<void>): Promise<Outcome> {
  try {
    await feed();
    return 'read';
  } catch (error) {
    if (!(error instanceof BlockprunerError)) throw error;
    expectTyped(error);
    return 'refused';
  }
}

/** A check that failed: the parser gave something wrong instead of refusing. */
export function wrong(what: string): never {
  throw new Error(`wrong result: ${what}`);
}
