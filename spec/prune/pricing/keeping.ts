import type { Backend } from '../../../src/backends/backend.ts';
import { Checkpoints } from '../../../src/prune/pricing/checkpoints.ts';
import { StreamHolders } from '../../../src/prune/pricing/streamHolders.ts';

/** Checkpoints within a budget and the counter that sweeps over them count by. */
export function keeping(backend: Backend, bytes: number): { holders: StreamHolders; checkpoints: Checkpoints } {
  const holders = new StreamHolders(backend);
  return { holders, checkpoints: new Checkpoints(holders, bytes) };
}
