import type { GradientBackend, GradientScope } from '../gradients.ts';
import { gradientKernelsDigest } from './gradientKernels.generated.ts';
import { compileGradientKernels } from './gradientKernels.ts';
import { openDevice, SimdBackend, type SimdOptions } from './simdBackend.ts';
import { SimdGradientScope } from './simdGradientScope.ts';

/**
 * The SIMD backend with the kernels of training. Its inference ops give the bits that
 * `simdBackend`'s give, from the same sources; `variant` names the digest of the module for
 * training, on which a training run's bits depend.
 * @throws as simdBackend.
 */
export async function simdGradientBackend(options: SimdOptions): Promise<GradientBackend> {
  const { device, variant } = await openDevice(options, compileGradientKernels);
  return new SimdGradientBackend(device, variant, gradientKernelsDigest);
}

class SimdGradientBackend extends SimdBackend implements GradientBackend {
  override scope(): GradientScope {
    this.device.expectRunning();
    return new SimdGradientScope(this.device);
  }
}
