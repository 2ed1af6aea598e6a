/** Where a result comes from. */
import type { WeightSource } from '../model/weights.ts';
import type { Surroundings } from '../platform/surroundings.ts';

/** What the caller of a run knows of it, and the run does not. */
export interface Origin extends Surroundings {
  /**
   * The command line as it was typed, quoted for a POSIX shell; paths from the root are cut down to
   * those below the working folder, or to a name.
   */
  readonly command?: string;
  /** What was asked for, defaults included; paths as in `command`. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * When, where and how a run was made. The program's version and the hashes of model and text stand
 * in the document itself.
 */
export interface Provenance extends Origin {
  /** When the run ended, ISO 8601 in UTC; a resumed one when its last part did. */
  readonly date: string;
  /** Types that the weights are stored in, the one with most bytes first: `['Q4_1', 'F32']`. */
  readonly dtypes: readonly string[];
}

/** Of a run that ends now. */
export function provenanceOf(origin: Origin, source: WeightSource, now: Date): Provenance {
  return { date: now.toISOString(), ...origin, dtypes: storedTypes(source) };
}

function storedTypes({ tensors }: WeightSource): string[] {
  const bytes = new Map<string, number>();
  for (const info of tensors.values()) bytes.set(info.dtype, (bytes.get(info.dtype) ?? 0) + info.bytes);
  return [...bytes].toSorted(([, a], [, b]) => b - a).map(([dtype]) => dtype);
}
