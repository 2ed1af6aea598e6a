/** Faults of the figures beside perplexity: KL from the dense model, and the held-out text. */
import type { Mutant } from './mutant.ts';

const kl = { file: 'src/model/denseOutputs.ts', specs: ['spec/model/denseOutputs.spec.ts'] };
const search = { specs: ['spec/prune/kl.spec.ts'] };
const gains = { file: 'src/prune/gains.ts', specs: ['spec/prune/gains.spec.ts'] };
const evaluation = { specs: ['spec/prune/evaluation.spec.ts'] };

export const figureMutants: readonly Mutant[] = [
  {
    ...kl,
    name: 'KL: the mean row of the head is not subtracted',
    from: 'u[at] -= this.#sums[at] / this.#weight[row];',
    to: 'u[at] -= 0;',
  },
  {
    ...kl,
    name: 'KL: sums are not rescaled when a higher logit comes',
    from: 'this.#rescale(row, Math.exp(this.#max[row] - max));',
    to: '',
  },
  {
    ...kl,
    name: 'KL: the weight of a mean is not rescaled with it',
    from: 'this.#weight[row] *= factor;',
    to: '',
  },
  {
    ...kl,
    name: 'KL: stacked streams are all compared by the last one’s rows',
    from: 'levels[row % levels.length]',
    to: 'levels[levels.length - 1]',
  },
  {
    ...kl,
    name: 'KL: every state is projected on the first row’s direction',
    from: '(row % levels.length) * cols, cols)',
    to: '0, cols)',
  },
  {
    ...kl,
    name: 'KL: the last, shorter part of the head is left out',
    from: 'first < vocabSize; first += PART',
    to: 'first === 0 || first + PART <= vocabSize; first += PART',
  },
  {
    ...kl,
    name: 'KL: only the first rows pass the head',
    from: 'for (let from = 0; from < rows; from += ROWS) {',
    to: 'for (let from = 0; from === 0; from += ROWS) {',
  },
  {
    ...search,
    file: 'src/prune/lowest.ts',
    name: 'metric kl: the lowest perplexity goes',
    from: "metric === 'ppl' ? perplexity.ppl : (perplexity.kl ?? NaN)",
    to: "metric === 'ppl' ? perplexity.ppl : perplexity.ppl",
  },
  {
    ...search,
    file: 'src/prune/lowest.ts',
    name: 'metric kl: a block without a finite perplexity may go',
    from: 'if (!(candidate.perplexity.ppl < Infinity)) continue;',
    to: '',
  },
  {
    ...search,
    file: 'src/prune/search.ts',
    name: 'metric kl: the runner-up is that of perplexity',
    from: 'finalists.filter((candidate) => candidate !== best),\n    metric,',
    to: 'finalists.filter((candidate) => candidate !== best),',
  },
  {
    ...search,
    file: 'src/prune/runIdentity.ts',
    name: 'metric kl: a search by perplexity’s journal is gone on from',
    from: 'if (metric !== undefined) return { metric };',
    to: '',
  },
  {
    ...search,
    file: 'src/eval/perplexity.ts',
    name: 'KL: the mean is taken although a chunk was not measured',
    from: 'divergences.length < scores.length) return {};',
    to: 'divergences.length === 0) return {};',
  },
  {
    ...search,
    file: 'src/eval/perplexity.ts',
    name: 'KL: a chunk’s is the last target’s alone',
    from: 'divergence += kl[target];',
    to: 'divergence = kl[target];',
  },
  {
    ...search,
    file: 'src/prune/journalRecords.ts',
    name: 'KL: the journal loses it',
    from: '? { nats: Number(nats), targets } : { nats: Number(nats), targets, kl: Number(kl) }',
    to: '? { nats: Number(nats), targets } : { nats: Number(nats), targets }',
  },
  {
    ...search,
    file: 'src/prune/pricing/denseChunks.ts',
    name: 'KL: every chunk is compared with the first one computed',
    from: 'rowsOf(outputs, at * this.#chunks.chunk, this.#chunks.chunk)',
    to: 'rowsOf(outputs, 0, this.#chunks.chunk)',
  },
  {
    ...gains,
    name: 'sizes: the removed blocks are counted in parameters, not in bytes',
    from: 'pruned: bytes - bytesOf(names)',
    to: 'pruned: bytes - removed',
  },
  {
    ...gains,
    name: 'decode speed: the cache is not given back',
    from: 'cache.free();',
    to: '',
  },
  {
    ...gains,
    name: 'decode speed: a resumed run takes that of another result',
    from: 'decode speed without ${mask.toString()}`',
    to: 'decode speed`',
  },
  {
    file: 'src/prune/evaluatedSearch.ts',
    ...evaluation,
    name: 'held-out text: a step is measured without the block that it removed',
    from: 'const after = mask;',
    to: 'const after = Mask.of(mask.blocks.slice(0, -1));',
  },
  {
    file: 'src/prune/evaluatedSearch.ts',
    ...evaluation,
    name: 'held-out text: repair in the loop is measured as pruned',
    from: 'models?.repairs(after) === true',
    to: 'models?.repairs(after) === null',
  },
  {
    file: 'src/prune/evaluation.ts',
    ...evaluation,
    name: 'held-out text: another text’s scores are taken from the journal',
    from: 'const key = `evaluation: ${what} on ${this.#hash}`;',
    to: 'const key = `evaluation: ${what}`;',
  },
];
