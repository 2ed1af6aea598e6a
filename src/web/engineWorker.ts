/** Entry of the engine's worker: the engine with what a browser offers. */
import { Engine } from './engine.ts';
import { opfsJournal } from './opfsJournal.ts';
import { serve, type ServerPort } from './serve.ts';
import { webSpawnWorker } from './webThreads.ts';

const shared = crossOriginIsolated;
const engine = new Engine({
  spawn: shared ? webSpawnWorker : null,
  threads: shared ? navigator.hardwareConcurrency : 1,
  openJournal: opfsJournal,
});
// TypeScript's DOM types know a window's scope only.
serve(globalThis as unknown as ServerPort, engine);
