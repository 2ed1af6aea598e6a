/** f32 y = x W of each engine, W given beforehand: each may prepare it as it likes, and is timed on what is left. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { simdBackend } from '../../src/backends/simd/simdBackend.ts';
import type { Lanes } from '../../src/backends/simd/kernels.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import { nodeWidenVectors } from '../../src/platform/nodeVectors.ts';
import { onnxMatMul } from './onnxMatMul.ts';

export type Shape = readonly [rows: number, k: number, n: number];

/** One product, ready to run; `result` is the last run's, [rows, n]. */
export interface Product {
  run: () => unknown;
  result: () => Promise<Float32Array> | Float32Array;
}

/** Makes an engine ready on so many threads. x is [rows, k], w is [k, n]. */
export type Engine = (threads: number) => Promise<(shape: Shape, x: Float32Array, w: Float32Array) => Promise<Product>>;

/** `ours` as it opens by itself, and with WebAssembly's own vectors. */
export const engineNames = ['ours', 'ours, 4 lanes', 'onnxruntime-web', 'tfjs-wasm'] as const;
export type EngineName = (typeof engineNames)[number];

function ours(lanes?: Lanes): Engine {
  return async (threads) => {
    const options = { memoryBytes: 2 ** 27, threads, spawn: nodeSpawnWorker, widen: nodeWidenVectors, lanes };
    const backend = await simdBackend(options);
    return async ([rows, k, n], x, w) => {
      const transposed = Float32Array.from({ length: n * k }, (_, at) => w[(at % k) * n + Math.floor(at / k)]);
      const weight = backend.packLinear(transposed, n, k, null);
      const input = backend.store(x, rows, k);
      let scope = backend.scope();
      let y = scope.linear(input, weight);
      const run = (): void => {
        scope.close();
        scope = backend.scope();
        y = scope.linear(input, weight);
      };
      return { run, result: () => backend.download(y) };
    };
  };
}

const onnxruntime: Engine = async (threads) => {
  const { env, InferenceSession, Tensor } = await import('onnxruntime-web');
  env.wasm.numThreads = threads;
  return async ([rows, k, n], x, w) => {
    const session = await InferenceSession.create(onnxMatMul(rows, k, n, w), { executionProviders: ['wasm'] });
    const feeds = { x: new Tensor('float32', x, [rows, k]) };
    let y = new Float32Array();
    const run = async (): Promise<void> => {
      y = (await session.run(feeds)).y.data as Float32Array<ArrayBuffer>;
    };
    return { run, result: () => y };
  };
};

const tfjs: Engine = async (threads) => {
  const tf = await import('@tensorflow/tfjs-core');
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${dirname(main)}/`);
  if (threads > 1) wasm.setThreadsCount(threads);
  await tf.setBackend('wasm');
  return async ([rows, k, n], x, w) => {
    const [input, weight] = [tf.tensor2d(x, [rows, k]), tf.tensor2d(w, [k, n])];
    let y = tf.matMul(input, weight);
    const run = (): void => {
      y.dispose();
      y = tf.matMul(input, weight);
    };
    return { run, result: async () => (await y.data()) as Float32Array };
  };
};

export const engines: Readonly<Record<EngineName, Engine>> = {
  ours: ours(),
  'ours, 4 lanes': ours(4),
  'onnxruntime-web': onnxruntime,
  'tfjs-wasm': tfjs,
};
