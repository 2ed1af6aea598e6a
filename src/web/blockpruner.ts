/**
 * What a page imports. The engine runs in a worker of its own:
 *
 *   const engine = startEngine();
 *   const files = [{ name: 'config.json', from: 'models/planted/config.json' }, …];
 *   await engine.open({ name: 'planted', files, backend: { name: 'auto' } });
 *   const data = { name: 'x.txt', content: text };
 *   const search = engine.prune({ data, kind: 'mix', stop: { blocks: 6 } });
 */
import { AccessError } from '../errors.ts';
import { Client } from './client.ts';

/**
 * Starts a worker with an engine in it. `end` ends it whatever it is doing.
 * @throws AccessError where the browser starts no worker from there. One that fails later fails all
 * calls with an AccessError.
 */
export function startEngine(): Client & { end(): void } {
  const entry = new URL(/* the name is fixed by src/web/bundle */ './engineWorker.js', import.meta.url);
  const worker = startWorker(entry);
  const client = new Client(worker, globalThis.document?.baseURI ?? globalThis.location?.href);
  worker.addEventListener('error', ({ message }) => {
    const remedy = 'Keep the files of dist/browser together, served as JavaScript.';
    client.fail(
      message === undefined
        ? new AccessError("the engine's worker could not be loaded.", { where: entry.href, remedy })
        : new AccessError(`the engine's worker failed: ${message}`, { where: entry.href }),
    );
  });
  return Object.assign(client, {
    end(): void {
      worker.terminate();
      client.fail(new DOMException('the engine was ended.', 'AbortError'));
    },
  });
}

function startWorker(entry: URL): Worker {
  try {
    return new Worker(entry, { type: 'module' });
  } catch (cause) {
    throw new AccessError('the browser starts no worker from there.', {
      where: entry.href,
      remedy: "Serve dist/browser from the page's own origin, and let its policy allow workers (worker-src).",
      cause,
    });
  }
}

export type { Client };
export type * from './protocol.ts';
export type { PruneResult } from '../prune/result.ts';
export type { SearchEvent } from '../prune/events.ts';
export type { MethodEvent } from '../prune/method.ts';
export { Mask } from '../model/mask.ts';
export * from '../errors.ts';
