import { plainGradientKernels, relaxedGradientKernels } from './gradientKernels.generated.ts';
import { kernelCompiler, type KernelCompiler } from './kernels.ts';

/**
 * Compiles a variant of the kernels for training, those of inference among them: see
 * kernelCompiler.
 */
export const compileGradientKernels: KernelCompiler = kernelCompiler({
  'relaxed-fma': relaxedGradientKernels,
  plain: plainGradientKernels,
});
