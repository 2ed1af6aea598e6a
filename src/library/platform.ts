import type { WidenVectors } from '../backends/simd/lanes.ts';
import type { SpawnWorker } from '../backends/simd/threadPool.ts';
import type { Files } from '../platform/files.ts';
import type { JournalSink } from '../platform/journalSink.ts';
import type { Surroundings } from '../platform/surroundings.ts';
import type { Hasher } from '../platform/sha256.ts';

/** What a model takes from where it runs: Node, or a worker of a page. */
export interface Platform {
  /** The program's version, for results. */
  readonly version: string;
  /** What it runs on, for results. */
  readonly surroundings: Surroundings;
  /** How kernel threads are started; null where memory cannot be shared. */
  readonly spawn: SpawnWorker | null;
  /** How the engine is asked for 256-bit vectors; null where it is not to be. */
  readonly widen: WidenVectors | null;
  /** Puts navigator.gpu in place; gives null, or what is missing. Null in a browser. */
  readonly offerWebGpu: (() => Promise<string | null>) | null;
  /** Threads and memory where no others are asked for. */
  readonly threads: number;
  readonly memoryBytes: number;
  readonly newHasher: () => Hasher;
  /** Opens the journal at a place that a caller named; closing it lets others have it. */
  readonly openJournal: (place: string, fresh: boolean) => Promise<JournalSink>;
  /** Where a journal's fitted tensors go; in a browser they are kept in memory. */
  readonly openFiles: (journal: string) => Promise<Files>;
}
