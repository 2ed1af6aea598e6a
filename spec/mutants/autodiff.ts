/** Faults of differentiation and of what hands its results on. */
import type { Mutant } from './mutant.ts';

const tape = { file: 'src/autodiff/tape.ts', specs: ['spec/autodiff/tape.spec.ts'] };
const loss = { file: 'src/autodiff/lossGradients.ts', specs: ['spec/autodiff/lossGradients.spec.ts'] };

export const autodiffMutants: readonly Mutant[] = [
  {
    ...tape,
    name: 'tape: a gradient is handed over before its last part',
    from: 'if (left > 0 || gradient === undefined) return;',
    to: 'if (gradient === undefined) return;',
  },
  {
    ...tape,
    name: 'tape: a second use of an array replaces the first',
    from: 'this.#derivatives.set(x, before === undefined ? dx : this.#scope.add(before, dx));',
    to: 'this.#derivatives.set(x, before === undefined ? dx : dx);',
  },
  {
    file: 'src/ops/swigluBackward.ts',
    specs: ['spec/autodiff/gradientLaws.spec.ts'],
    name: 'gradient laws: the slope with respect to up lacks the gate',
    from: 'dUp[i] = slope * x * open;',
    to: 'dUp[i] = slope * open;',
  },
  {
    file: 'src/ops/causalAttentionBackward.ts',
    specs: ['spec/autodiff/gradientLaws.spec.ts'],
    name: 'gradient laws: the softmax of attention is not normed on the way back',
    from: '(slopes[j] - mean)',
    to: 'slopes[j]',
  },
  {
    ...loss,
    name: 'loss gradients: every target counts the same, whatever its chunk',
    from: '1 / count / ids.length',
    to: '1 / (chunk - 1) / ids.length',
  },
  {
    ...loss,
    name: 'loss gradients: ignored targets count',
    from: 't + 1 < chunk && isScored(this.#chunks, index, t)',
    to: 't + 1 < chunk',
  },
  {
    ...loss,
    name: "loss gradients: a tied embedding lacks its head's part",
    from: 'parameters.delete(embedding);',
    to: '',
  },
  {
    ...loss,
    name: 'loss gradients: removed blocks are run',
    from: 'walkOf(source.config, mask)',
    to: 'walkOf(source.config)',
  },
  {
    ...loss,
    name: 'loss gradients: streams are left on the device when one stops early',
    from: 'arrays.freeAll();\n  }\n}',
    to: '}\n}',
  },
  {
    file: 'src/formats/write/modelWriter.ts',
    specs: ['spec/formats/write/safetensorsWriter.spec.ts'],
    name: 'writer: a file that failed leaves its sink open',
    from: 'for (const sink of sinks) await sink.abort();',
    to: '',
  },
  {
    file: 'src/formats/write/modelWriter.ts',
    specs: ['spec/formats/write/safetensorsWriter.spec.ts'],
    name: 'writer: nobody looks whether the model was changed while it was written',
    from: 'await source.assertUnchanged();',
    to: '',
  },
  {
    file: 'src/formats/write/safetensorsWriter.ts',
    specs: ['spec/formats/write/safetensorsWriter.spec.ts'],
    name: 'writer: a number beyond F16 becomes infinite',
    from: "if (dtype === 'F16') checkRange",
    to: "if (dtype === 'BF16') checkRange",
  },
  {
    file: 'src/formats/huggingface/configJson.ts',
    specs: ['spec/formats/huggingface/configJson.spec.ts'],
    name: 'writer: a config.json is made that says something else',
    from: 'return readsBack(fields, config) ? fields : null;',
    to: 'return fields;',
  },
  {
    file: 'src/platform/nodeFileSink.ts',
    specs: ['spec/platform/nodeFileSink.spec.ts'],
    name: 'sink: a file that is given up stays under its other name',
    from: 'await rm(unfinished, { force: true }).catch(() => undefined);',
    to: '',
  },
  {
    file: 'src/train/healRun.ts',
    specs: ['spec/train/healRun.spec.ts'],
    name: 'heal: the healed model is measured before it is written',
    from: 'score(job, kept.weights, mask)',
    to: 'score(job, source, mask)',
  },
  {
    file: 'src/autodiff/gradientSums.ts',
    specs: ['spec/autodiff/lossGradients.spec.ts'],
    name: 'loss gradients: a gradient that is not finite is handed over',
    from: 'if (wrong >= 0) {',
    to: 'if (wrong > gradient.length) {',
  },
];
