import { cpus, totalmem } from 'node:os';
import type { GpuPath } from '../backends/gpu/gpuPath.ts';
import { offeredVariants, selectBackend } from '../backends/select.ts';
import { nodeSpawnWorker } from '../platform/nodeThreads.ts';
import { nodeWidenVectors } from '../platform/nodeVectors.ts';
import { defaultMemory, defaultThreads } from '../platform/nodeMachine.ts';
import { PROGRAM_VERSION } from '../platform/programVersion.ts';
import { byteSize } from './figures.ts';
import { gpuPathsApart } from './gpuProbe.ts';
import { Terminal } from './terminal.ts';

/** `blockpruner doctor`: what this machine offers, and which backend would run and why. */
export async function doctorCommand(options: { json: boolean }): Promise<void> {
  const terminal = new Terminal({ quiet: false, json: options.json });
  const variants = offeredVariants();
  const { backend, why } = await selectBackend({
    name: 'auto',
    threads: defaultThreads(),
    memoryBytes: defaultMemory(),
    spawn: nodeSpawnWorker,
    widen: nodeWidenVectors,
  });
  const { description } = backend;
  await backend.dispose();
  const gpu = await gpuPathsApart();
  const processor = cpus()[0]?.model.trim() ?? 'unknown';
  const facts = {
    schema: 'blockpruner.doctor/1',
    blockpruner: PROGRAM_VERSION,
    node: process.version,
    system: `${process.platform} ${process.arch}`,
    processor,
    threads: defaultThreads(),
    memory: totalmem(),
    defaultMemory: defaultMemory(),
    simd: variants.length > 0,
    relaxedSimd: variants.includes('relaxed-fma'),
    sharedMemory: typeof SharedArrayBuffer !== 'undefined',
    gpu,
    backend: description,
    why,
  };
  if (options.json) {
    terminal.document(facts);
    return;
  }
  const yes = (value: boolean): string => (value ? 'yes' : 'no');
  terminal.result(`blockpruner ${facts.blockpruner} on Node ${process.version}, ${facts.system}`);
  terminal.result(`processor         ${processor}, ${facts.threads} threads available (--threads)`);
  terminal.result(
    `memory            ${byteSize(facts.memory)}, of which ${byteSize(facts.defaultMemory)} would be used (--memory)`,
  );
  terminal.result(`WebAssembly SIMD  ${yes(facts.simd)}`);
  terminal.result(`  with fused multiply-add (relaxed SIMD)  ${yes(facts.relaxedSimd)}`);
  terminal.result(`  with threads (shared memory)            ${yes(facts.sharedMemory)}`);
  for (const [index, path] of gpu.entries()) {
    terminal.result(`${(index === 0 ? 'GPU (gpu.js)' : '').padEnd(18)}${path.mode.padEnd(11)} ${verdict(path)}`);
  }
  if (gpu.some(({ missing }) => missing !== null)) {
    terminal.result(`${''.padEnd(18)}What is missing here is optional: only --backend gpu would use it.`);
  }
  terminal.result(`backend           ${description}: ${why}`);
}

function verdict({ mode, adapter, missing }: GpuPath): string {
  if (missing !== null) return `no: ${missing.replace(`--gpu-mode ${mode}: `, '')}`;
  if (adapter !== null) return adapter.name;
  return mode === 'webasm' || mode === 'cpu' ? `yes, on the processor (--gpu-mode ${mode})` : 'yes';
}
