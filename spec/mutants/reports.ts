import type { Mutant } from './mutant.ts';

/** Faults that public reports told of (docs/internals/field-reports.md). */
export const reportMutants: readonly Mutant[] = [
  {
    name: 'the attention factor of a GGUF file is ignored',
    file: 'src/formats/gguf/config.ts',
    from: "  'rope.scaling.attn_factor': 1,\n",
    to: '',
    specs: ['spec/formats/gguf/config.spec.ts'],
  },
  {
    name: 'a big-endian GGUF file is called damaged',
    file: 'src/formats/gguf/magic.ts',
    from: 'version !== 0 && (version & 0xffff) === 0',
    to: 'version === 0',
    specs: ['spec/formats/gguf/parse.spec.ts'],
  },
  {
    name: 'Infinity is replaced inside of strings too',
    file: 'src/formats/jsonFile.ts',
    from: String.raw`/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/gs`,
    to: '/-?Infinity|NaN/gs',
    specs: ['spec/formats/jsonFile.spec.ts'],
  },
  {
    name: 'a probe of the kernels reserves 4 GiB',
    file: 'src/backends/simd/kernels.ts',
    from: 'maximum: PROBE_PAGES',
    to: 'maximum: 65_536',
    specs: ['spec/backends/simd/probes.spec.ts'],
  },
  {
    name: 'a page that forbids WebAssembly is not noticed',
    file: 'src/backends/simd/kernels.ts',
    from: 'void new WebAssembly.Module(EMPTY_MODULE);',
    to: 'void EMPTY_MODULE;',
    specs: ['spec/backends/simd/probes.spec.ts'],
  },
  {
    name: 'a web page is taken for a file',
    file: 'src/web/httpRequest.ts',
    from: '/^text\\/html\\b/i',
    to: '/^text\\/none\\b/i',
    specs: ['spec/web/httpBytes.spec.ts'],
  },
  {
    name: 'a server that asks to wait is asked once only',
    file: 'src/web/httpRequest.ts',
    from: 'if (last || !passing.has(answer.status))',
    to: 'if (last || passing.size > 0)',
    specs: ['spec/web/httpBytes.spec.ts'],
  },
  {
    name: 'of two tokens of one text the first keeps it',
    file: 'src/tokenizer/repeatedTokens.ts',
    from: 'rank(id) >= rank(other)',
    to: 'rank(id) > rank(other)',
    specs: ['spec/tokenizer/ggufTokenizer.spec.ts'],
  },
  {
    name: 'each part of a step counts the same, however few targets it has',
    file: 'src/autodiff/gradients.ts',
    from: 'forwardSteps(tape, trainee, batch, 1 / targets)',
    to: 'forwardSteps(tape, trainee, batch, 1 / parts.length / countTargets(batch))',
    specs: ['spec/autodiff/trainingForward.spec.ts'],
  },
];
