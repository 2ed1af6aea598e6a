/**
 * What a page imports. The engine runs in a worker of its own:
 *
 *   const engine = startEngine();
 *   await engine.open({ name: 'planted', files: [{ name: 'config.json', from: 'models/planted/config.json' }, …], backend: { name: 'auto' } });
 *   const search = engine.prune({ data: { name: 'x.txt', content: text }, kind: 'mix', stop: { blocks: 6 } });
 */
import { Client } from './client.ts';

/** Starts a worker with an engine in it. `end` ends it whatever it is doing. */
export function startEngine(): Client & { end(): void } {
  const entry = new URL(/* the name is fixed by src/web/bundle */ './engineWorker.js', import.meta.url);
  const worker = new Worker(entry, { type: 'module' });
  const client = new Client(worker);
  worker.addEventListener('error', ({ message }) => {
    client.fail(new Error(`the engine's worker failed: ${message ?? 'it could not be loaded'}`));
  });
  return Object.assign(client, {
    end(): void {
      worker.terminate();
      client.fail(new DOMException('the engine was ended.', 'AbortError'));
    },
  });
}

export type { Client };
export type * from './protocol.ts';
export type { PruneResult } from '../prune/result.ts';
export type { SearchEvent } from '../prune/search.ts';
export { Mask } from '../model/mask.ts';
export * from '../errors.ts';
