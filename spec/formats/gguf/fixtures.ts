/**
 * GGUF files for specs: a tiny model of each architecture, written by our own writer, and raw
 * golden tensors.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { quantTypes } from '../../../src/formats/gguf/quantTypes.ts';
import type { GgufType, GgufValue, TypedValue } from '../../../src/formats/gguf/valueTypes.ts';
import type { GgufTensorToWrite } from '../../../src/formats/gguf/write.ts';
import { normals } from '../../arbitraries.ts';
import { sharedPath } from '../../shared.ts';

export const typed = (type: GgufType, value: GgufValue): TypedValue => ({ type, value });
const u32 = (value: number): TypedValue => typed('u32', value);
const f32 = (value: number): TypedValue => typed('f32', value);

/** An F32 tensor of `data`; `dims` row length first. */
export function f32Tensor(dims: readonly number[], data: Float32Array): GgufTensorToWrite {
  return { type: quantTypes.F32, dims, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

export type TinyArch = 'llama' | 'qwen2' | 'qwen3' | 'gpt2';

export const tiny = { hidden: 8, heads: 2, kvHeads: 1, headDim: 4, ffn: 12, vocab: 11, layers: 2, context: 16 };

/** A complete model of `tiny` sizes: maps that a spec may change before it writes them. */
export function tinyModel(arch: TinyArch): {
  metadata: Map<string, TypedValue>;
  tensors: Map<string, GgufTensorToWrite>;
} {
  const { hidden, heads, headDim, ffn, vocab, layers, context } = tiny;
  const gpt2 = arch === 'gpt2';
  const kvHeads = gpt2 ? heads : tiny.kvHeads;
  const metadata = new Map<string, TypedValue>([
    ['general.architecture', typed('string', arch)],
    [`${arch}.block_count`, u32(layers)],
    [`${arch}.context_length`, u32(context)],
    [`${arch}.embedding_length`, u32(hidden)],
    [`${arch}.feed_forward_length`, u32(ffn)],
    [`${arch}.attention.head_count`, u32(heads)],
    [`${arch}.attention.head_count_kv`, u32(kvHeads)],
    [`${arch}.attention.layer_norm_${gpt2 ? '' : 'rms_'}epsilon`, f32(1e-5)],
    ['tokenizer.ggml.tokens', typed({ array: 'string' }, ['<s>', '\u{FEFF}', 'ä'])],
    ['tokenizer.ggml.scores', typed({ array: 'f32' }, Float32Array.of(0, -1.5, 2))],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['tokenizer.ggml.eos_token_id', u32(2)],
  ]);
  const tensors = new Map<string, GgufTensorToWrite>();
  const add = (name: string, ...dims: number[]): void => {
    const count = dims.reduce((product, size) => product * size, 1);
    tensors.set(name, f32Tensor(dims, normals(tensors.size, count)));
  };
  const addLinear = (name: string, inn: number, out: number): void => {
    add(`${name}.weight`, inn, out);
    if (gpt2) add(`${name}.bias`, out);
  };
  const addNorm = (name: string): void => {
    add(`${name}.weight`, hidden);
    if (gpt2) add(`${name}.bias`, hidden);
  };
  add('token_embd.weight', hidden, vocab);
  if (gpt2) add('position_embd.weight', hidden, context);
  addNorm('output_norm');
  add('output.weight', hidden, vocab);
  for (let layer = 0; layer < layers; layer++) {
    const blk = `blk.${layer}`;
    addNorm(`${blk}.attn_norm`);
    if (gpt2) addLinear(`${blk}.attn_qkv`, hidden, 3 * hidden);
    else {
      addLinear(`${blk}.attn_q`, hidden, heads * headDim);
      addLinear(`${blk}.attn_k`, hidden, kvHeads * headDim);
      addLinear(`${blk}.attn_v`, hidden, kvHeads * headDim);
    }
    addLinear(`${blk}.attn_output`, heads * headDim, hidden);
    if (arch === 'qwen2') {
      add(`${blk}.attn_q.bias`, heads * headDim);
      add(`${blk}.attn_k.bias`, kvHeads * headDim);
      add(`${blk}.attn_v.bias`, kvHeads * headDim);
    }
    if (arch === 'qwen3') {
      add(`${blk}.attn_q_norm.weight`, headDim);
      add(`${blk}.attn_k_norm.weight`, headDim);
    }
    addNorm(`${blk}.ffn_norm`);
    if (!gpt2) addLinear(`${blk}.ffn_gate`, hidden, ffn);
    addLinear(`${blk}.ffn_up`, hidden, ffn);
    addLinear(`${blk}.ffn_down`, ffn, hidden);
  }
  return { metadata, tensors };
}

/**
 * The F32 tensors of the safetensors files at `path` (a file or a folder) among the golden data,
 * read by hand.
 */
export function goldenTensors(...path: string[]): Map<string, { shape: number[]; data: Float32Array }> {
  const at = sharedPath('golden', ...path);
  const files = at.endsWith('.safetensors')
    ? [at]
    : readdirSync(at)
        .filter((name) => name.endsWith('.safetensors'))
        .map((name) => `${at}/${name}`);
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const file of files) {
    const bytes = readFileSync(file);
    const data = 8 + Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, data)) as Record<
      string,
      { dtype: string; shape: number[]; data_offsets: [number, number] }
    >;
    for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
      if (name === '__metadata__') continue;
      const raw = Uint8Array.from(bytes.subarray(data + offsets[0], data + offsets[1])).buffer;
      tensors.set(name, { shape, data: dtype === 'F32' ? new Float32Array(raw) : halves(raw, dtype) });
    }
  }
  return tensors;
}

/** Halves by DataView, which unlike our decoder the engine brings along (Node 24). */
function halves(raw: ArrayBuffer, dtype: string): Float32Array {
  const view = new DataView(raw) as DataView & { getFloat16?: (at: number, littleEndian: boolean) => number };
  if (dtype !== 'F16' || view.getFloat16 === undefined) throw new Error(`cannot read ${dtype} here`);
  return Float32Array.from({ length: raw.byteLength / 2 }, (_, i) => view.getFloat16?.(2 * i, true) ?? NaN);
}
