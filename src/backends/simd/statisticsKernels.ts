/**
 * The kernels of the statistics ops, a module of their own beside that of inference: the digest in
 * a journal's header does not depend on them. Both variants give the same bits
 * (assembly/statistics.ts says why); the fused one is faster.
 */
import { decodeBase64, type KernelVariant } from './kernels.ts';
import { plainStatisticsKernels, relaxedStatisticsKernels } from './statisticsKernels.generated.ts';
import type { WasmModule } from './webAssembly.ts';

/** Compiles a variant that the engine runs: one of which `compileKernels` gives a module. */
export function compileStatistics(variant: KernelVariant): WasmModule {
  const bytes = decodeBase64(variant === 'plain' ? plainStatisticsKernels : relaxedStatisticsKernels);
  return new WebAssembly.Module(bytes);
}
