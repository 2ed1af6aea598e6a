/**
 * A forward pass in a few numbers a block, so that a kernel gone wrong is found at the block where it first shows. Golden
 * traces come from arithmetic without the engine (a closed form, or plainForward.ts); `engineTrace` is what is checked.
 */
import type { DeviceTensor } from '../src/backends/backend.ts';
import { formatBlock } from '../src/model/blockId.ts';
import type { Mask } from '../src/model/mask.ts';
import { nextTokens, type Transformer } from '../src/model/transformer.ts';
import { seededRng } from '../src/tensor/rng.ts';
import type { PlainPass, PlainStream } from './plainForward.ts';

/** The residual stream [T, C] after the embedding or a block. */
export interface StreamTrace {
  /** `embedding`, or the block's name. */
  readonly after: string;
  /** √Σ x². */
  readonly norm: number;
  /** √Σ Δ², with Δ what the block added (for the embedding: x). */
  readonly change: number;
  /** Σ ±Δ under signs drawn once for all models: what moves numbers about, or flips them, and keeps the norm, shows here. */
  readonly probe: number;
}

export interface Trace {
  readonly streams: readonly StreamTrace[];
  /** Of ids spread over the vocabulary, at the first, the middle and the last position: [3][≤ 8]. */
  readonly logits: readonly (readonly number[])[];
  /** NLL in nats of the first targets, [≤ 16]. */
  readonly nll: readonly number[];
}

const LOGITS = 8;
const TARGETS = 16;

/** A trace from a pass of whatever made it. Numbers to nine digits, which is more than f32 holds. */
export function traceOf({ streams, logits, nll }: Readonly<PassNumbers>): Trace {
  const positions = nll.length + 1;
  const vocabulary = logits.length / positions;
  const step = Math.max(1, Math.floor(vocabulary / LOGITS));
  const count = Math.min(LOGITS, vocabulary);
  return {
    streams: streams.map(({ after, x }, index) => {
      const change = index === 0 ? x : Float64Array.from(x, (value, i) => value - streams[index - 1].x[i]);
      return { after, norm: short(length(x)), change: short(length(change)), probe: short(probeOf(change)) };
    }),
    logits: [0, positions >> 1, positions - 1].map((position) => {
      return Array.from({ length: count }, (_, i) => short(logits[position * vocabulary + i * step]));
    }),
    nll: Array.from(nll.subarray(0, TARGETS), short),
  };
}

/** A pass, of the engine in f32 or of arithmetic in f64. */
interface PassNumbers {
  streams: readonly (Omit<PlainStream, 'x'> & { x: Float32Array | Float64Array })[];
  logits: Float32Array | Float64Array;
  nll: PlainPass['nll'] | Float32Array;
}

/** What the engine computes for one sequence under a mask. */
export async function engineTrace(model: Transformer, ids: Int32Array, mask: Mask): Promise<Trace> {
  const { backend } = model;
  const download = async (stream: DeviceTensor): Promise<Float32Array> => (await backend.download(stream)).slice();
  const embedding = await model.embed([ids]);
  const streams = [{ after: 'embedding', x: await download(embedding) }];
  backend.free(embedding);
  const stream = await model.walk([ids], mask, {
    async block(id, _before, after) {
      streams.push({ after: formatBlock(id), x: await download(after) });
    },
  });
  const again = backend.store(streams[streams.length - 1].x, ids.length, model.config.hiddenSize);
  const [nll] = await model.headNll([stream], nextTokens([ids]));
  return traceOf({ streams, logits: await model.logits(again), nll: nll.subarray(0, -1) });
}

/**
 * Where a trace first leaves the golden one, in words, or null where it does not. A stream may be off by `relative` of what
 * the block added, and by what rounding it to f32 takes.
 */
export function firstDifference(found: Trace, golden: Trace, relative = 1e-4): string | null {
  for (const [index, want] of golden.streams.entries()) {
    const got = found.streams.at(index);
    if (got?.after !== want.after) return `${want.after}: the trace has ${got?.after ?? 'nothing'} in its place`;
    // The embedding is stored, not computed.
    const allowed = (index === 0 ? 0 : relative * want.change) + 2 ** -23 * want.norm;
    for (const key of ['norm', 'change', 'probe'] as const) {
      if (!(Math.abs(got[key] - want[key]) <= allowed)) return off(want.after, key, got[key], want[key]);
    }
  }
  const count = found.streams.length - golden.streams.length;
  if (count !== 0) return `the trace has ${count} blocks too many`;
  for (const [place, key] of [
    ['head', 'logits'],
    ['log-sum-exp', 'nll'],
  ] as const) {
    const [got, want] = [found[key].flat(), golden[key].flat()];
    const size = Math.max(1, ...want.map(Math.abs));
    const at = want.findIndex((value, index) => !(Math.abs((got.at(index) ?? NaN) - value) <= relative * size));
    if (at >= 0 || got.length !== want.length) return off(place, `${key}[${at}]`, got.at(at) ?? NaN, want[at]);
  }
  return null;
}

function off(place: string, what: string, found: number, golden: number): string {
  return `${place}: ${what} is ${found}, golden ${golden}`;
}

function probeOf(x: ArrayLike<number>): number {
  const rng = seededRng(0).fork('probe');
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += rng.int(2) === 0 ? x[i] : -x[i];
  return sum;
}

function length(x: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] ** 2;
  return Math.sqrt(sum);
}

function short(value: number): number {
  return Number(value.toPrecision(9));
}
