/** Faults of the reference ops. */
import type { Mutant } from './mutant.ts';

const attention = { file: 'src/ops/causalAttention.ts', specs: ['spec/ops/causalAttention.spec.ts'] };
const rope = { file: 'src/ops/rope.ts', specs: ['spec/ops/rope.spec.ts'] };
const ropeTable = { file: 'src/ops/ropeTable.ts', specs: ['spec/ops/ropeTable.spec.ts'] };
const softmax = { file: 'src/ops/softmax.ts', specs: ['spec/ops/softmax.spec.ts'] };
const nll = { file: 'src/ops/nll.ts', specs: ['spec/ops/nll.spec.ts'] };
const linear = { file: 'src/ops/linear.ts', specs: ['spec/ops/linear.spec.ts'] };

export const opMutants: readonly Mutant[] = [
  {
    ...attention,
    name: 'causal mask off by one: the next key is seen',
    from: 'const seen = position - firstKey + 1;',
    to: 'const seen = Math.min(keyLen, position + 2) - firstKey;',
  },
  {
    ...attention,
    name: 'queries sit at the start of the keys, not at their end',
    from: 'const position = keyLen - seqLen + t;',
    to: 'const position = t;',
  },
  {
    ...attention,
    name: 'GQA: heads take key heads in turn',
    from: 'Math.floor(head / headsPerKey) * headDim',
    to: '(head % numKvHeads) * headDim',
  },
  {
    ...attention,
    name: 'sliding window one key too long',
    from: 'Math.max(0, position - window + 1)',
    to: 'Math.max(0, position - window)',
  },
  {
    ...attention,
    name: 'sliding window one key too short',
    from: 'Math.max(0, position - window + 1)',
    to: 'Math.max(0, Math.min(position, position - window + 2))',
  },
  { ...attention, name: 'scores divided by D, not its root', from: '/ Math.sqrt(headDim)', to: '/ headDim' },
  {
    ...rope,
    name: 'RoPE turns neighbours, not the halves of a head',
    from: `        const first = x[at + i];
        const second = x[at + half + i];
        out[at + i] = first * c - second * s;
        out[at + half + i] = second * c + first * s;`,
    to: `        const first = x[at + 2 * i];
        const second = x[at + 2 * i + 1];
        out[at + 2 * i] = first * c - second * s;
        out[at + 2 * i + 1] = second * c + first * s;`,
  },
  { ...rope, name: 'RoPE positions run on over sequences', from: '(start + (row % seqLen))', to: '(start + row)' },
  { ...rope, name: 'RoPE forgets where a sequence starts', from: '(start + (row % seqLen))', to: '(row % seqLen)' },
  {
    ...ropeTable,
    name: 'linear RoPE scaling the wrong way round',
    from: 'return frequency / scaling.factor;',
    to: 'return frequency * scaling.factor;',
  },
  {
    ...ropeTable,
    name: 'llama3 RoPE scaling blends the wrong way round',
    from: '(1 - share) * (frequency / factor) + share * frequency',
    to: 'share * (frequency / factor) + (1 - share) * frequency',
  },
  {
    ...ropeTable,
    name: 'llama3 RoPE scaling leaves slow pairs alone',
    from: 'if (turns < lowFreqFactor) return frequency / factor;',
    to: 'if (turns < lowFreqFactor) return frequency;',
  },
  {
    ...ropeTable,
    name: 'RoPE divisors multiply',
    from: 'frequency / scaling.divisors[index]',
    to: 'frequency * scaling.divisors[index]',
  },
  {
    file: 'src/ops/rmsNorm.ts',
    specs: ['spec/ops/rmsNorm.spec.ts'],
    name: 'RMSNorm adds eps outside the root',
    from: '1 / Math.sqrt(sumOfSquares / cols + eps)',
    to: '1 / (Math.sqrt(sumOfSquares / cols) + eps)',
  },
  {
    file: 'src/ops/layerNorm.ts',
    specs: ['spec/ops/layerNorm.spec.ts'],
    name: 'LayerNorm adds eps outside the root',
    from: '1 / Math.sqrt(sumOfSquares / cols + eps)',
    to: '1 / (Math.sqrt(sumOfSquares / cols) + eps)',
  },
  {
    ...softmax,
    name: 'softmax without the maximum',
    from: `let max = -Infinity;
    for (let i = 0; i < cols; i++) max = Math.max(max, x[at + i]);`,
    to: 'const max = 0;',
  },
  {
    ...nll,
    name: 'log-sum-exp keeps the first logit as its maximum',
    from: 'if (logit > max) {',
    to: 'if (max === -Infinity) {',
  },
  {
    ...nll,
    name: 'the target’s logit is its neighbour’s',
    from: 'firstId + feature === targets[row]',
    to: 'firstId + feature === targets[row] + 1',
  },
  {
    ...nll,
    name: 'targets are looked up from each head tile’s own start',
    from: 'firstId + feature === targets[row]',
    to: 'feature === targets[row]',
  },
  {
    ...nll,
    name: 'a new maximum does not rescale the sum',
    from: 'sum *= Math.exp(max - logit);',
    to: 'if (sum === 0) sum *= Math.exp(max - logit);',
  },
  {
    file: 'src/ops/dot.ts',
    specs: ['spec/ops/dot.spec.ts', 'spec/ops/linear.spec.ts'],
    name: 'the k loop ends one early',
    from: 'i < length; i++',
    to: 'i < length - 1; i++',
  },
  {
    ...linear,
    name: 'the last row is not computed',
    from: 'row < rows; row++',
    to: 'row < Math.max(1, rows - 1); row++',
  },
  {
    ...linear,
    name: 'the last column is not computed',
    from: 'feature < outFeatures; feature++',
    to: 'feature < Math.max(1, outFeatures - 1); feature++',
  },
  {
    file: 'src/ops/gelu.ts',
    specs: ['spec/ops/gelu.spec.ts'],
    name: 'GELU variants swapped',
    from: "kind === 'tanh' ? geluTanh : geluErf",
    to: "kind === 'tanh' ? geluErf : geluTanh",
  },
  {
    file: 'src/ops/swiglu.ts',
    specs: ['spec/ops/swiglu.spec.ts'],
    name: 'SwiGLU’s gate and up swapped',
    from: 'silu(gate[i]) * up[i]',
    to: 'silu(up[i]) * gate[i]',
  },
];
