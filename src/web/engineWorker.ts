/** Entry of a model's worker: the library with what a browser offers. */
import { memoryFiles } from '../platform/files.ts';
import { opfsJournal } from './opfsJournal.ts';
import { plainSha256 } from './plainSha256.ts';
import { serve, type ServerPort } from './serve.ts';
import { webSurroundings } from './webSurroundings.ts';
import { webSpawnWorker } from './webThreads.ts';
import { PROGRAM_VERSION } from '../platform/programVersion.ts';

const shared = crossOriginIsolated;
// TypeScript's DOM types know a window's scope only.
serve(globalThis as unknown as ServerPort, {
  version: PROGRAM_VERSION,
  surroundings: webSurroundings(),
  spawn: shared ? webSpawnWorker : null,
  widen: null,
  offerWebGpu: null,
  threads: shared ? navigator.hardwareConcurrency : 1,
  memoryBytes: 2 ** 30,
  newHasher: plainSha256,
  openJournal: opfsJournal,
  openFiles: () => Promise.resolve(memoryFiles('fitted tensors')),
});
