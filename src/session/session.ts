/** The one place where a model, a backend and their memory are put together. */
import type { Backend } from '../backends/backend.ts';
import type { WeightSource } from '../model/weights.ts';
import type { NllSum } from '../ops/nll.ts';
import { LoadedWeights, type Planned } from './loadedWeights.ts';
import { memoryNeeds, planMemory, type MemoryRemedy, type Workload } from './memoryPlan.ts';

export interface Session extends Planned {
  readonly backend: Backend;
  /** Why this backend runs. */
  readonly why: string;
  /** Frees the model and disposes of the backend; the source is its opener's to close. */
  close(): Promise<void>;
}

export interface SessionOptions {
  /** How the head's sum over the vocabulary is kept; default f64. */
  nllSum?: NllSum;
  /** What to say where memory is too little, in the caller's words. */
  remedy?: MemoryRemedy;
}

/** A backend that needs nothing for itself. */
const bare = { nllRowBytes: 0, scratchBytes: () => 0 };

/**
 * Opens a backend, shares its memory out for `workload`, and loads the model into its part.
 * @param open opens the backend with so many bytes, as `selectBackend` does.
 * @throws MemoryBudgetError when there is less memory than the model and a chunk need; whatever
 * `open` throws. Nothing is left open then.
 */
export async function openSession(
  source: WeightSource,
  open: (memoryBytes: number) => Promise<{ backend: Backend; why: string }>,
  memoryBytes: number,
  workload: Workload,
  { nllSum, remedy }: SessionOptions = {},
): Promise<Session> {
  const least = memoryNeeds(source, workload, bare);
  const { hostBytes } = least;
  // Too little even for what the backend does not hold: the plan says so.
  if (hostBytes >= memoryBytes) planMemory(memoryBytes, least, Infinity, remedy);
  const { backend, why } = await open(memoryBytes - hostBytes);
  try {
    const weights = new LoadedWeights(source, backend, memoryBytes, remedy);
    const planned = await weights.under(workload, nllSum);
    return {
      ...planned,
      backend,
      why,
      async close() {
        weights.free();
        await backend.dispose();
      },
    };
  } catch (error) {
    await backend.dispose();
    throw error;
  }
}
