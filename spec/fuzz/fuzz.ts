/** Feeds damaged files to the parsers, batch by batch; the same seed draws the same files. */
import type { Target } from './target.ts';
import { textFiles } from './textFiles.ts';
import { weightFiles } from './weightFiles.ts';

export const targets: readonly Target[] = [...weightFiles, ...textFiles];

/** Files drawn together. A fault is named by target, batch and place, which draw it again. */
export const BATCH = 500;

export interface Count {
  read: number;
  refused: number;
  faults: string[];
}

/** How many files of `total` each target gets. */
export function shares(total: number, chosen: readonly Target[]): Map<Target, number> {
  const weight = chosen.reduce((sum, target) => sum + target.weight, 0);
  return new Map(chosen.map((target) => [target, Math.ceil((total * target.weight) / weight)]));
}

/**
 * Feeds one batch. @param tell is called before each file, so that a watcher knows which one hangs.
 */
export async function feedBatch(
  target: Target,
  batch: { seed: number; number: number; count: number },
  tell: (file: string) => void = () => {},
): Promise<Count> {
  const count: Count = { read: 0, refused: 0, faults: [] };
  // A seed of its own for every target and batch; golden-ratio steps keep them apart.
  const seed = (batch.seed + hash(target.name) + Math.imul(batch.number, 0x9e3779b1)) | 0;
  for (const [place, feed] of target.batch(seed, batch.count).entries()) {
    const file = `--only ${target.name} --seed ${batch.seed} --batch ${batch.number} (file ${place})`;
    tell(file);
    try {
      count[await feed()]++;
    } catch (error) {
      count.faults.push(`${file}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  return count;
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return value;
}
