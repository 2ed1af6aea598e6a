/** The same faults in the WebAssembly kernels, and those that only tiles have. */
import type { Mutant } from './mutant.ts';

const specs = ['spec/contract/simd.spec.ts'];
const folder = 'src/backends/simd/assembly';
const attention = { file: `${folder}/attention.ts`, specs };
const rope = { file: `${folder}/rope.ts`, specs };
const norm = { file: `${folder}/norm.ts`, specs };
const wideSpecs = ['spec/contract/simdWide.spec.ts'];
const template = { file: `${folder}/tileTemplate.ts`, specs };
const stores = { file: `${folder}/stores.ts`, specs };
const linear = { file: `${folder}/linear.ts`, specs };
const nll = { file: `${folder}/nll.ts`, specs };
const elementwise = { file: `${folder}/elementwise.ts`, specs };

export const kernelMutants: readonly Mutant[] = [
  {
    ...attention,
    name: 'SIMD causal mask off by one: the next key is seen',
    from: 'position + r + 1 - first, stride, scale)',
    to: 'min(count, position + r + 2 - first), stride, scale)',
  },
  {
    ...attention,
    name: 'SIMD GQA: heads take key heads in turn',
    from: '(sequence * keyLen * keyWidth + (head / group) * headDim)',
    to: '(sequence * keyLen * keyWidth + (head % numKvHeads) * headDim)',
  },
  {
    ...attention,
    name: 'SIMD packed keys are kept for the next sequence',
    from: 'const keyHead = sequence * numKvHeads + head / group;',
    to: 'const keyHead = head / group;',
  },
  {
    ...attention,
    name: 'SIMD sliding window one key too long',
    from: 'max(0, position + r - window + 1) - first',
    to: 'max(first, position + r - window) - first',
  },
  {
    ...attention,
    name: 'SIMD windows begin off a group of k',
    from: '& ~(K_GROUP - 1) : 0',
    to: '& ~7 : 0',
  },
  {
    ...attention,
    name: 'SIMD softmax without the maximum',
    from: 'exponentiate(first, last, highest, scale)',
    to: 'exponentiate(first, last, 0 * highest, scale)',
  },
  {
    ...attention,
    name: 'SIMD attention’s last value columns are not divided',
    from: 'for (; i < length; i++) {',
    to: 'for (; i < length - 1; i++) {',
  },
  {
    ...rope,
    name: 'SIMD RoPE pairs vectors with their neighbours',
    from: 'const b = v128.load(x + at + halfBytes);',
    to: 'const b = v128.load(x + at + 16);',
  },
  {
    ...rope,
    name: 'SIMD RoPE pairs the last numbers of a half with their neighbours',
    from: 'const b = load<f32>(x + at + halfBytes);',
    to: 'const b = load<f32>(x + at + 4);',
  },
  {
    ...rope,
    name: 'SIMD RoPE positions run on over sequences',
    from: '(start + (row % seqLen))',
    to: 'min(start + row, start + seqLen - 1)',
  },
  {
    ...norm,
    name: 'SIMD RMSNorm adds eps outside the root',
    from: 'const deviation = sqrt(centredSquares(from, columns, 0) / <f64>columns + eps);',
    to: 'const deviation = sqrt(centredSquares(from, columns, 0) / <f64>columns) + eps;',
  },
  {
    ...norm,
    name: 'SIMD LayerNorm adds eps outside the root',
    from: 'const deviation = sqrt(centredSquares(from, columns, mean) / <f64>columns + eps);',
    to: 'const deviation = sqrt(centredSquares(from, columns, mean) / <f64>columns) + eps;',
  },
  {
    ...template,
    name: 'SIMD tail rows: the last of fewer than six is not stored',
    from: '`if (rows > ${r}) ${call}`',
    to: '`if (rows > ${r + 1}) ${call}`',
  },
  {
    ...stores,
    name: 'SIMD tail columns: the fifth of five is the fourth',
    from: 'f32x4.extract_lane(i < 4 ? c0 : c1, 0)',
    to: 'f32x4.extract_lane(i <= 4 ? c0 : c1, 0)',
  },
  {
    ...template,
    name: 'SIMD k loop of a tile ends one early',
    from: "'while (remaining > 0) {'",
    to: "'while (remaining > 1) {'",
  },
  {
    ...linear,
    name: 'SIMD k loop of a single row ends one early',
    from: 'const end = x + (<usize>k << 2);',
    to: 'const end = x + (<usize>(k - 1) << 2);',
  },
  {
    ...linear,
    name: 'SIMD groups of k overwrite each other',
    from: 'n, rows, from > 0);',
    to: 'n, rows, false);',
  },
  {
    ...linear,
    name: 'SIMD bias is added with every group of k',
    from: 'from + length == k ? bias : 0',
    to: 'bias',
  },
  {
    ...linear,
    specs: wideSpecs,
    name: 'SIMD eight lanes: the last columns are taken for sixteen',
    from: 'n & ~15 : 0',
    to: '(n + 15) & ~15 : 0',
  },
  {
    ...template,
    specs: wideSpecs,
    name: 'SIMD eight lanes: the right panel is the left one',
    from: '${tile.panels[v >> 1]}, ',
    to: '${tile.panels[0]}, ',
  },
  {
    ...template,
    name: 'SIMD tiles take the first number of x in every step',
    from: '`a = ${splat}(x${r}, ${k * bytes});`',
    to: '`a = ${splat}(x${r}, 0);`',
  },
  {
    file: 'src/backends/simd/lanes.ts',
    specs: ['spec/backends/simd/lanes.spec.ts'],
    name: 'SIMD eight lanes are taken where they are slower',
    from: 'eight.best < CLEARLY * four.best',
    to: 'eight.best < Infinity * four.best',
  },
  {
    ...nll,
    name: 'SIMD log-sum-exp without the maximum',
    from: 'const highest = max(before, <f64>f32x4.extract_lane(both, 0));',
    to: 'const highest = <f64>(0 * f32x4.extract_lane(both, 0));',
  },
  {
    ...nll,
    name: 'SIMD targets are looked up from each head tile’s own start',
    from: '- firstId - id;',
    to: '- id;',
  },
  {
    ...nll,
    name: 'SIMD first id of a tile is not a target',
    from: 'const held = target >= 0 && target < ids;',
    to: 'const held = target > 0 && target < ids;',
  },
  {
    ...nll,
    name: 'SIMD rows of later groups take the first rows’ targets',
    from: 'targets + (<usize>(row + r) << 2)',
    to: 'targets + (<usize>r << 2)',
  },
  {
    ...elementwise,
    name: 'SIMD tanh GELU with another constant',
    from: 'f32x4.splat(0.044715)',
    to: 'f32x4.splat(0.0447)',
  },
  {
    file: 'src/backends/simd/simdScope.ts',
    specs,
    name: 'SIMD GELU variants swapped',
    from: "kind === 'tanh' ? 'geluTanh' : 'geluErf'",
    to: "kind === 'tanh' ? 'geluErf' : 'geluTanh'",
  },
  {
    file: 'src/backends/simd/packPanels.ts',
    specs: ['spec/backends/simd/packPanels.spec.ts'],
    name: 'SIMD the last panel keeps what was in its place',
    from: `    if (width < PANEL) panels.fill(0, base, base + PANEL * k);
    for (let column`,
    to: '    for (let column',
  },
  {
    file: 'src/backends/simd/job.ts',
    specs: ['spec/backends/simd/job.spec.ts'],
    name: 'SIMD threads cut ranges off their alignment',
    from: 'Math.ceil(length / align) * align',
    to: 'Math.ceil(length)',
  },
];
