/**
 * The side of `compare.ts` that runs a checkout: says which tasks it has, and runs the ones it is
 * told to.
 */
import { pathToFileURL } from 'node:url';
import type * as openModelModule from '../src/formats/openModel.ts';
import type * as maskModule from '../src/model/mask.ts';
import type * as transformerModule from '../src/model/transformer.ts';
import type * as simdModule from '../src/backends/simd/simdBackend.ts';
import type * as threadsModule from '../src/platform/nodeThreads.ts';
import type * as vectorsModule from '../src/platform/nodeVectors.ts';
import type * as casesModule from './kernelCases.ts';

/**
 * How often a task is called in a turn, and what that took, in milliseconds: by the clock, of the
 * processor.
 */
export interface Turn {
  wall: number;
  cpu: number;
}

const [root, modelPath, tokens] = process.argv.slice(2);
const load = <Module>(path: string): Promise<Module> =>
  import(pathToFileURL(`${root}/${path}`).href) as Promise<Module>;

const { simdBackend } = await load<typeof simdModule>('src/backends/simd/simdBackend.ts');
const { nodeSpawnWorker } = await load<typeof threadsModule>('src/platform/nodeThreads.ts');
const { nodeWidenVectors } = await load<typeof vectorsModule>('src/platform/nodeVectors.ts');
const { kernelCases, fullSizes } = await load<typeof casesModule>('bench/kernelCases.ts');

const backend = await simdBackend({
  memoryBytes: 2 ** 30,
  threads: 1,
  spawn: nodeSpawnWorker,
  widen: nodeWidenVectors,
});
const tasks = new Map<string, () => unknown>();
for (const { name, prepare } of kernelCases(fullSizes)) tasks.set(name, prepare(backend).run);
if (modelPath !== '') {
  const { openModel } = await load<typeof openModelModule>('src/formats/openModel.ts');
  const { Transformer } = await load<typeof transformerModule>('src/model/transformer.ts');
  const { Mask } = await load<typeof maskModule>('src/model/mask.ts');
  const { weights } = await openModel(modelPath);
  const model = await Transformer.load(weights, backend, 0.7 * 2 ** 30);
  const ids = Int32Array.from({ length: Number(tokens) }, (_, i) => (i * 7919) % model.config.vocabSize);
  tasks.set(`forward of ${tokens} tokens`, () => model.nll([ids], Mask.empty));
}

process.on('message', (message: { task: string; calls: number }) => void answer(message));
process.send?.({ description: backend.description, tasks: [...tasks.keys()] });

async function answer({ task, calls }: { task: string; calls: number }): Promise<void> {
  const run = tasks.get(task);
  if (run === undefined) throw new Error(`there is no task ${task}`);
  const [began, before] = [performance.now(), process.cpuUsage()];
  for (let call = 0; call < calls; call++) await run();
  const { user, system } = process.cpuUsage(before);
  process.send?.({ wall: performance.now() - began, cpu: (user + system) / 1000 } satisfies Turn);
}
