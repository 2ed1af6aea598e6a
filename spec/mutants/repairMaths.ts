/** Faults in the mathematics of repairs: sums, factorisation, ridge, choice, forms. */
import type { Mutant } from './mutant.ts';

const product = { file: 'src/repair/product.ts', specs: ['spec/repair/product.spec.ts'] };
const cholesky = { file: 'src/repair/cholesky.ts', specs: ['spec/repair/cholesky.spec.ts'] };
const condition = { file: 'src/repair/condition.ts', specs: ['spec/repair/cholesky.spec.ts'] };
const sums = { file: 'src/repair/normalEquations.ts', specs: ['spec/repair/normalEquations.spec.ts'] };
const error = { file: 'src/repair/fitError.ts', specs: ['spec/repair/fitError.spec.ts'] };
const ridge = { file: 'src/repair/ridge.ts', specs: ['spec/repair/ridge.spec.ts'] };
const choice = { file: 'src/repair/ridgeChoice.ts', specs: ['spec/repair/ridgeChoice.spec.ts'] };
const mixed = { file: 'src/repair/mixedOutputs.ts', specs: ['spec/repair/mixedOutputs.spec.ts'] };
const forms = { file: 'src/repair/replaceMe.ts', specs: ['spec/repair/replaceMe.spec.ts'] };
const correction = { file: 'src/repair/correction.ts', specs: ['spec/repair/fit.spec.ts'] };
const fit = { file: 'src/repair/fit.ts', specs: ['spec/repair/fit.spec.ts'] };
const scale = { file: 'src/repair/scale.ts', specs: ['spec/repair/scale.spec.ts'] };

export const repairMathsMutants: readonly Mutant[] = [
  {
    ...product,
    name: 'a product starts each part of its depth at the beginning of A',
    from: 'at: panel.at + from }));',
    to: 'at: panel.at }));',
  },
  {
    ...product,
    name: 'a product forgets the columns beside its tiles',
    from: 'i < rowEnd ? columnEnd : from',
    to: 'i < rowEnd ? to : from',
  },
  { ...product, name: 'a tile takes the second row of A twice', from: 's20 += x2 * y0;', to: 's20 += x1 * y0;' },
  {
    ...cholesky,
    name: 'a pivot of rounding alone counts as positive',
    from: 'square > least[j] && square < Infinity',
    to: 'square > 0 && square < Infinity',
  },
  {
    ...cholesky,
    name: 'a factor is not mirrored',
    from: 'matrix[j * size + i] = matrix[i * size + j];',
    to: 'matrix[i * size + j] += 0;',
  },
  {
    ...cholesky,
    name: 'columns forget those before them in their block',
    from: 'value -= matrix[row + k] * matrix[pivotRow + k];',
    to: 'value -= 0 * matrix[row + k];',
  },
  {
    ...cholesky,
    name: 'the second triangle is solved without what lies after a block',
    from: 'part(from, to), count, to - from, size - to);',
    to: 'part(from, to), count, to - from, 0);',
  },
  {
    ...condition,
    name: 'the norm of an inverse is looked for in one direction only',
    from: 'return Math.max(estimate, (2 * sumOfAbsolutes(alternating)) / (3 * size));',
    to: 'return (2 * sumOfAbsolutes(alternating)) / (3 * size);',
  },
  {
    ...sums,
    name: 'sums of several groups of rows: the last one stays',
    from: 'sums[at + i] += values[from + i];',
    to: 'sums[at + i] = values[from + i];',
  },
  {
    ...sums,
    name: 'an infinite sum counts as finite',
    from: 'sums.every(Number.isFinite)',
    to: 'sums.every((sum) => !Number.isNaN(sum))',
  },
  {
    ...error,
    name: 'a change’s error counts its square once above the diagonal',
    from: 'let inside = -2 * products[c * BLOCK + i];',
    to: 'let inside = -1 * products[c * BLOCK + i];',
  },
  {
    ...error,
    name: 'a change’s error forgets that the change moves the mean',
    from: '- 2 * outputSums[output] + 2 * moved);',
    to: '- 2 * outputSums[output]);',
  },
  {
    ...ridge,
    name: 'the ridge does not follow the inputs’ size',
    from: 'const lambda = ridge * meanDiagonal(matrix, inputs);',
    to: 'const lambda = ridge;',
  },
  {
    ...ridge,
    name: 'means are not taken out beside a bias',
    from: 'if (!shape.bias) return copy;',
    to: 'if (shape.inputs > 0) return copy;',
  },
  {
    ...choice,
    name: 'the ridge is chosen by the rows of the fit',
    from: 'added: errorAdded(judges, change) };',
    to: 'added: errorAdded(sums, change) };',
  },
  {
    ...choice,
    name: 'the search for a ridge goes on where it gets worse',
    from: 'if (best !== null && !(next !== null && next.added < best.added)) break;',
    to: '',
  },
  {
    ...choice,
    name: 'stronger ridges are not tried',
    from: 'return weaker === start ? downhill(start, factors.slice(middle + 1), attempt) : weaker;',
    to: 'return weaker;',
  },
  {
    ...mixed,
    name: 'outputs are mixed with one sign',
    from: 'rng.int(2) === 0 ? 1 : -1',
    to: 'rng.int(2) === 0 ? 1 : 1',
  },
  {
    ...forms,
    name: 'a map after the branch is taken for its transpose',
    from: 'transposed[i * outputs + output] = weight[output * inputs + i];',
    to: 'transposed[i * outputs + output] = weight[((output + 1) % outputs) * inputs + i];',
  },
  {
    ...forms,
    name: 'the branch’s products are those of its inputs',
    from: 'cross: productOf(sums.cross, wide, inputs),',
    to: 'cross: productOf(sums.cross, wide, inputs).map((value) => -value),',
  },
  {
    ...correction,
    name: 'the bias ignores that the change moves the mean',
    from: '(sum - moved) / rows',
    to: 'sum / rows',
  },
  {
    ...fit,
    name: 'a correction is taken that makes the held-out error larger',
    from: 'if (!(errorBefore(judges) - after > errorRounding(judges, change))) {',
    to: 'if (errorBefore(judges) < 0) {',
  },
  {
    ...fit,
    name: 'a gain within the rounding of the sums is taken for one',
    from: '- after > errorRounding(judges, change)',
    to: '- after > 0',
  },
  {
    ...fit,
    name: 'errors are those of the change before it was rounded',
    from: 'const change = Float64Array.from(newWeight, (value, index) => value - weight[index]);',
    to: 'const change = wanted.map((value) => value * (1 + 1e-3));',
  },
  {
    ...fit,
    name: 'sums that are not finite are fitted',
    from: 'if (!sums.isFinite || heldOut?.isFinite === false)',
    to: 'if (!sums.isFinite)',
  },
  {
    ...scale,
    name: 'a scale turns the stream round',
    from: "if (scale <= 0) return 'the best scale is not positive';",
    to: '',
  },
  {
    ...scale,
    name: 'a scale is the ratio of the streams’ lengths',
    from: 'const scale = sums.product / sums.pruned;',
    to: 'const scale = Math.sqrt(sums.dense / sums.pruned);',
  },
];
