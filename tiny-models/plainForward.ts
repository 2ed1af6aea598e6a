/**
 * The forward pass by its formulas alone: f64, one position after the other, no kernel, no cache, no tiles. It shares
 * nothing with the engine but the reading of files, so that the two can be held against each other: specs do that on
 * random models, and recipes take golden.json from here. For models of some hundred thousand parameters.
 */
import type { ModelConfig } from '../src/model/config.ts';
import type { Mask } from '../src/model/mask.ts';
import type { WeightSource } from '../src/model/weights.ts';

/** The stream after the embedding and after each block that the mask leaves. */
export interface PlainStream {
  /** `embedding`, or the block's name. */
  after: string;
  /** [T, C] */
  x: Float64Array;
}

export interface PlainPass {
  streams: PlainStream[];
  /** [T, V] */
  logits: Float64Array;
  /** NLL in nats of token t + 1 after tokens 0 … t, [T − 1]. */
  nll: Float64Array;
}

type Row = Float64Array;
/** A tensor by name; empty where the model has none. */
type Load = (name: string) => Promise<Float32Array>;
const NONE = new Float32Array(0);

/** One sequence under a mask. */
export async function plainForward(source: WeightSource, ids: Int32Array, mask: Mask): Promise<PlainPass> {
  const { config } = source;
  const gpt2 = config.family === 'gpt2';
  const load: Load = (name) => (source.tensors.has(name) ? source.tensor(name) : Promise.resolve(NONE));
  const embedding = gpt2 ? 'transformer.wte.weight' : 'model.embed_tokens.weight';
  const table = await load(embedding);
  const positions = config.learnedPositions ? await load('transformer.wpe.weight') : null;
  const { hiddenSize, vocabSize } = config;

  let x = Array.from(ids, (id, t) => {
    return Float64Array.from({ length: hiddenSize }, (_, i) => {
      return table[id * hiddenSize + i] + (positions === null ? 0 : positions[t * hiddenSize + i]);
    });
  });
  const streams = [{ after: 'embedding', x: flat(x) }];
  for (let layer = 0; layer < config.layers.length; layer++) {
    for (const kind of ['mha', 'mlp'] as const) {
      if (config.layers[layer][kind] === null || mask.has({ layer, kind })) continue;
      const prefix = gpt2 ? `transformer.h.${layer}` : `model.layers.${layer}`;
      const norms = gpt2 ? { mha: 'ln_1', mlp: 'ln_2' } : { mha: 'input_layernorm', mlp: 'post_attention_layernorm' };
      const normed = await normRows(load, config, `${prefix}.${norms[kind]}`, x);
      const branch = await (kind === 'mha' ? attention : mlp)(load, config, prefix, layer, normed);
      x = x.map((row, t) => row.map((value, i) => value + branch[t][i]));
      streams.push({ after: `L${layer}.${kind}`, x: flat(x) });
    }
  }
  const final = await normRows(load, config, gpt2 ? 'transformer.ln_f' : 'model.norm', x);
  const head = config.tieWordEmbeddings ? table : await load('lm_head.weight');
  const rows = final.map((row) => linear(row, head, NONE, vocabSize));
  const nll = Float64Array.from(ids.subarray(1), (target, t) => {
    const max = rows[t].reduce((a, b) => Math.max(a, b));
    return Math.log(rows[t].reduce((sum, logit) => sum + Math.exp(logit - max), 0)) + max - rows[t][target];
  });
  return { streams, logits: flat(rows), nll };
}

async function attention(load: Load, config: ModelConfig, prefix: string, layer: number, x: Row[]): Promise<Row[]> {
  const { headDim } = config;
  const { heads, kvHeads, window } = config.layers[layer].mha ?? { heads: NaN, kvHeads: NaN, window: null };
  let q: Row[][];
  let k: Row[][];
  let v: Row[][];
  if (config.family === 'gpt2') {
    const all = (await project(load, `${prefix}.attn.c_attn`, x)).map((row) => split(row, headDim));
    q = all.map((row) => row.slice(0, heads));
    k = all.map((row) => row.slice(heads, heads + kvHeads));
    v = all.map((row) => row.slice(heads + kvHeads));
  } else {
    const headsOf = async (name: string): Promise<Row[][]> =>
      (await project(load, `${prefix}.self_attn.${name}_proj`, x)).map((row) => split(row, headDim));
    [q, k, v] = [await headsOf('q'), await headsOf('k'), await headsOf('v')];
  }
  if (config.qkNorm) {
    const [qGain, kGain] = [
      await load(`${prefix}.self_attn.q_norm.weight`),
      await load(`${prefix}.self_attn.k_norm.weight`),
    ];
    q = q.map((row) => row.map((head) => rms(head, qGain, config.norm.eps)));
    k = k.map((row) => row.map((head) => rms(head, kGain, config.norm.eps)));
  }
  q = q.map((row, t) => row.map((head) => turn(head, t, config)));
  k = k.map((row, t) => row.map((head) => turn(head, t, config)));
  const mixed = q.map((row, t) => {
    const first = Math.max(0, t - (window ?? Infinity) + 1);
    const perHead = row.map((query, head) => {
      const own = Math.floor((head * kvHeads) / heads);
      const scores = k.slice(first, t + 1).map((keys) => dot(query, keys[own]) / Math.sqrt(headDim));
      const max = scores.reduce((a, b) => Math.max(a, b));
      const weights = scores.map((score) => Math.exp(score - max));
      const sum = weights.reduce((a, b) => a + b);
      return Float64Array.from({ length: headDim }, (_, i) =>
        weights.reduce((total, weight, j) => total + (weight / sum) * v[first + j][own][i], 0),
      );
    });
    return flat(perHead);
  });
  return project(load, config.family === 'gpt2' ? `${prefix}.attn.c_proj` : `${prefix}.self_attn.o_proj`, mixed);
}

async function mlp(load: Load, config: ModelConfig, prefix: string, _: number, x: Row[]): Promise<Row[]> {
  if (config.family === 'gpt2') {
    const gelu = config.mlp === 'gelu' ? geluErf : geluTanh;
    const hidden = await project(load, `${prefix}.mlp.c_fc`, x);
    return project(
      load,
      `${prefix}.mlp.c_proj`,
      hidden.map((row) => row.map(gelu)),
    );
  }
  const gate = await project(load, `${prefix}.mlp.gate_proj`, x);
  const up = await project(load, `${prefix}.mlp.up_proj`, x);
  const hidden = gate.map((row, t) => row.map((value, i) => (value / (1 + Math.exp(-value))) * up[t][i]));
  return project(load, `${prefix}.mlp.down_proj`, hidden);
}

/** W x + b for each row; the bias where the model has one. */
async function project(load: Load, name: string, x: Row[]): Promise<Row[]> {
  const weight = await load(`${name}.weight`);
  const bias = await load(`${name}.bias`);
  return x.map((row) => linear(row, weight, bias, weight.length / row.length));
}

function linear(x: Row, weight: Float32Array, bias: Float32Array, out: number): Row {
  return Float64Array.from({ length: out }, (_, o) => {
    return dot(x, weight.subarray(o * x.length, (o + 1) * x.length)) + (bias[o] ?? 0);
  });
}

async function normRows(load: Load, config: ModelConfig, name: string, x: Row[]): Promise<Row[]> {
  const { type, eps } = config.norm;
  const gain = await load(`${name}.weight`);
  if (type === 'rms') return x.map((row) => rms(row, gain, eps));
  const shift = await load(`${name}.bias`);
  return x.map((row) => {
    const mean = row.reduce((a, b) => a + b) / row.length;
    const centred = row.map((value) => value - mean);
    const deviation = Math.sqrt(dot(centred, centred) / row.length + eps);
    return centred.map((value, i) => (value / deviation) * gain[i] + shift[i]);
  });
}

function rms(x: Row, gain: Float32Array, eps: number): Row {
  const size = Math.sqrt(dot(x, x) / x.length + eps);
  return x.map((value, i) => (value / size) * gain[i]);
}

/** RoPE of one head: the pair (i, i + D/2) turned by position · θ_i. */
function turn(head: Row, position: number, { rope }: ModelConfig): Row {
  if (rope === null) return head;
  const half = head.length / 2;
  const out = new Float64Array(head.length);
  for (let i = 0; i < half; i++) {
    const angle = position * frequency(rope, i, head.length);
    const [a, b, c, s] = [head[i], head[half + i], Math.cos(angle), Math.sin(angle)];
    out[i] = a * c - b * s;
    out[half + i] = a * s + b * c;
  }
  return out;
}

/** θ_i; llama3 scaling in the words of its release, by wavelengths. */
function frequency({ theta, scaling }: NonNullable<ModelConfig['rope']>, i: number, headDim: number): number {
  const plain = 1 / theta ** ((2 * i) / headDim);
  if (scaling.type === 'linear') return plain / scaling.factor;
  if (scaling.type === 'divisors') return plain / scaling.divisors[i];
  if (scaling.type !== 'llama3') return plain;
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings: context } = scaling;
  const wavelength = (2 * Math.PI) / plain;
  if (wavelength < context / highFreqFactor) return plain;
  if (wavelength > context / lowFreqFactor) return plain / factor;
  const smooth = (context / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - smooth) / factor + smooth) * plain;
}

function geluTanh(x: number): number {
  return (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** x Φ(x), with erf z = 2/√π e^−z² Σ 2ⁿ z²ⁿ⁺¹ / (2n+1)!! (Abramowitz & Stegun 7.1.6). */
function geluErf(x: number): number {
  const z = x / Math.SQRT2;
  if (Math.abs(z) > 6) return z > 0 ? x : 0;
  let term = z;
  let sum = 0;
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    sum += term;
    term *= (2 * z * z) / (2 * n + 1);
  }
  return (x / 2) * (1 + (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum);
}

function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

function split(row: Row, width: number): Row[] {
  return Array.from({ length: row.length / width }, (_, part) => row.subarray(part * width, (part + 1) * width));
}

function flat(rows: readonly Row[]): Float64Array {
  const out = new Float64Array(rows.length * (rows[0]?.length ?? 0));
  for (const [index, row] of rows.entries()) out.set(row, index * row.length);
  return out;
}
