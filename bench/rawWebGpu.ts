/** WebGPU called by hand, on the device that gpu.js has: what a call costs without gpu.js. */

/** A compiled shader whose bindings 0, 1, … are a uniform and storage buffers, the last one written. */
export interface RawKernel {
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
}

/** @throws Error with what the compiler says. */
export async function compileWgsl(device: GPUDevice, code: string, inputs: number): Promise<RawKernel> {
  const module = device.createShaderModule({ code });
  const { messages } = await module.getCompilationInfo();
  const wrong = messages.filter(({ type }) => type === 'error');
  if (wrong.length > 0) throw new Error(wrong.map(({ lineNum, message }) => `${lineNum}: ${message}`).join('\n'));
  const types: GPUBufferBindingType[] = [
    'uniform',
    ...Array.from({ length: inputs }, () => 'read-only-storage' as const),
  ];
  const layout = device.createBindGroupLayout({
    entries: [...types, 'storage' as const].map((type, binding) => {
      return { binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } };
    }),
  });
  const pipeline = await device.createComputePipelineAsync({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: 'main' },
  });
  return { pipeline, layout };
}

export function bind(device: GPUDevice, { layout }: RawKernel, buffers: readonly GPUBuffer[]): GPUBindGroup {
  return device.createBindGroup({
    layout,
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
}

/** One dispatch with an encoder, a pass and a submit of its own. */
export function dispatch(
  device: GPUDevice,
  { pipeline }: RawKernel,
  group: GPUBindGroup,
  [rows, columns]: readonly [number, number],
): void {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(columns, rows);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

export function uploadStorage(device: GPUDevice, data: Float32Array): GPUBuffer {
  const buffer = storage(device, data.byteLength);
  device.queue.writeBuffer(buffer, 0, new Float32Array(data));
  return buffer;
}

/** A buffer that kernels read and write and that can be copied from and to. */
export function storage(device: GPUDevice, bytes: number): GPUBuffer {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  return device.createBuffer({ size: bytes, usage: STORAGE | COPY_SRC | COPY_DST });
}

export function uniform(device: GPUDevice, data: Uint32Array<ArrayBuffer>): GPUBuffer {
  const buffer = device.createBuffer({
    size: data.byteLength,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}

/** A buffer's content, once all that was submitted before has run. */
export async function readBack(device: GPUDevice, buffer: GPUBuffer): Promise<Float32Array> {
  const { size } = buffer;
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const data = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return data;
}
