/** One engine in a process of its own, which computes when it is told to: `node engineProcess.ts NAME THREADS`. */
import { clock, median, settle, timed, untimed, type Timings } from '../rounds.ts';
import { engines, type EngineName, type Product, type Shape } from './engines.ts';

/** `warm` milliseconds at least before the answer; else a turn of `turn` milliseconds. */
export interface Order {
  shape: Shape;
  warm?: number;
  turn: number;
}

export interface Answer {
  /** Of this turn. */
  timings: Timings;
  /** Some elements of the result, the same ones for every engine. */
  sample: number[];
}

const [, , name, threads] = process.argv;
const prepare = await engines[name as EngineName](Number(threads));
const products = new Map<string, Product>();

process.on('message', (order: Order) => void answer(order).then((found) => process.send?.(found)));
process.send?.('ready');

async function answer({ shape, warm, turn }: Order): Promise<Answer> {
  const [rows, k, n] = shape;
  const key = shape.join();
  const product = products.get(key) ?? (await prepare(shape, waves(rows * k, 0.37), waves(k * n, 0.73)));
  products.set(key, product);
  if (warm !== undefined) await settle(product.run, warm, 8 * warm);
  const timings = untimed();
  const stop = clock(timings);
  const [began, calls] = [performance.now(), [] as number[]];
  while (calls.length < 3 || performance.now() - began < turn) calls.push(await timed(product.run));
  stop();
  timings.calls = calls.length;
  timings.milliseconds.push(median(calls));
  const result = await product.result();
  const sample = Array.from({ length: 64 }, (_, index) => result[(index * 7919) % result.length]);
  return { timings, sample };
}

function waves(length: number, step: number): Float32Array {
  return Float32Array.from({ length }, (_, at) => Math.sin(at * step) / 8);
}
