import type { GpuBuffer, GpuDevice } from './gpuDevice.ts';
import type { GpuLinear, GpuTensor } from './gpuTensor.ts';

/** Rows from … to of x Wᵀ + bias. */
export function project(device: GpuDevice, x: GpuTensor, weight: GpuLinear, from: number, to: number): GpuBuffer {
  const { packed, inFeatures, outFeatures } = weight;
  // Four numbers a thread only where that was made for: WebAssembly's vectors and the cpu's loops
  // are slower with it.
  const kernel = device.mode === 'webgpu' && outFeatures % 4 === 0 ? 'linearFour' : 'linear';
  return device.run(kernel, to - from, outFeatures, [
    x.buffer,
    x.at + from * inFeatures,
    packed,
    outFeatures,
    inFeatures,
  ]);
}

/**
 * W [outFeatures, inFeatures] and bias as the kernels want them: Wᵀ, then a row of biases or zeros.
 */
export function transposed(
  weight: Float32Array,
  outFeatures: number,
  inFeatures: number,
  bias: Float32Array | null,
): Float32Array {
  const packed = new Float32Array((inFeatures + 1) * outFeatures);
  for (let out = 0; out < outFeatures; out++) {
    for (let i = 0; i < inFeatures; i++) packed[i * outFeatures + out] = weight[out * inFeatures + i];
  }
  if (bias !== null) packed.set(bias, inFeatures * outFeatures);
  return packed;
}
