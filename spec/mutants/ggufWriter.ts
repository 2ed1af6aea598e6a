/** Faults of packed layers, of the layout of GGUF files, and of what is written into them. */
import type { Mutant } from './mutant.ts';

const pack = { file: 'src/model/pack.ts', specs: ['spec/model/pack.spec.ts'] };
const written = { specs: ['spec/formats/write/ggufWriter.spec.ts'] };
const layout = { ...written, file: 'src/formats/gguf/layout.ts' };
const quantized = { file: 'src/formats/gguf/quantize.ts', specs: ['spec/formats/gguf/quantize.spec.ts'] };

export const ggufWriterMutants: readonly Mutant[] = [
  {
    ...pack,
    name: 'packing: an MLP joins a layer that has one',
    from: 'last === undefined || last.mlp !== null',
    to: 'last === undefined',
  },
  {
    ...pack,
    name: 'packing: every MLP begins a layer',
    from: 'else packed[packed.length - 1] = { ...last, mlp: layer };',
    to: 'else packed.push({ mha: null, mlp: layer });',
  },
  {
    ...layout,
    name: 'GGUF: an attention without an MLP, which llama.cpp drops',
    from: 'mlp: mlp ?? zeroMlp(config, layer),',
    to: 'mlp,',
  },
  {
    ...layout,
    name: 'GGUF: a first layer without an attention',
    from: 'mha: mha ?? (layer === 0 ? zeroMha(config) : null),',
    to: 'mha,',
  },
  {
    ...written,
    file: 'src/formats/write/ggufWriter.ts',
    name: 'GGUF: stored rows of q and k keep the order of another architecture',
    from: 'yield interleaveHeads(bytes, heads, stored.bytes / rows);',
    to: 'yield bytes;',
  },
  {
    ...written,
    file: 'src/formats/write/ggufWriter.ts',
    name: 'GGUF: stored tensors are quantised again',
    from: 'if (stored !== null && isQuantName(stored.dtype) && (wanted === null || wanted === stored.dtype)) {',
    to: 'if (stored !== null && isQuantName(stored.dtype) && wanted === stored.dtype) {',
  },
  {
    ...written,
    file: 'src/formats/gguf/writtenMetadata.ts',
    name: 'GGUF: layers that differ are said to be like the first',
    from: 'if (values.every((value) => value === values[0])) return number(values[0]);',
    to: 'return number(values[0]);',
  },
  {
    ...quantized,
    name: 'Q8_0: halves are rounded up',
    from: 'return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);',
    to: 'return Math.floor(value + 0.5);',
  },
  {
    ...quantized,
    name: 'Q4_0: the largest number loses its sign',
    from: 'const d = fround(largest / -8);',
    to: 'const d = fround(Math.abs(largest) / 8);',
  },
];
