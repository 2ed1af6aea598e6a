/** Faults of data files, of chunks and of losses that are not finite. */
import type { Mutant } from './mutant.ts';

const chunks = { file: 'src/eval/chunks.ts', specs: ['spec/eval/chunks.spec.ts'] };
const aggregation = { file: 'src/eval/perplexity.ts', specs: ['spec/eval/perplexity.spec.ts'] };
const stream = { file: 'src/tokenizer/encodeStream.ts', specs: ['spec/tokenizer/encodeStream.spec.ts'] };
const cuts = { file: 'src/tokenizer/regexCuts.ts', specs: ['spec/tokenizer/encodeStream.spec.ts'] };

export const dataMutants: readonly Mutant[] = [
  {
    ...chunks,
    name: 'chunks without a target that counts are kept',
    from: 'if (chunks.ignoredId === null) return chunks;',
    to: 'if (chunks.ids.length > 0) return chunks;',
  },
  {
    ...aggregation,
    name: 'a chunk without targets takes part in the mean',
    from: '=> targets > 0;',
    to: '=> targets >= 0;',
  },
  {
    ...aggregation,
    name: 'nats per token are the mean of chunk means',
    from: 'natsPerToken: nats / targets,',
    to: 'natsPerToken: nll,',
  },
  {
    file: 'src/eval/nonFinite.ts',
    specs: ['spec/prune/run.spec.ts'],
    name: 'a search goes on over a dense model whose loss is NaN',
    from: 'return at < 0 ? null',
    to: 'return at < scores.length ? null',
  },
  {
    file: 'src/prune/document.ts',
    specs: ['spec/prune/run.spec.ts'],
    name: 'a step of infinite candidates is called NaN',
    from: 'Number.isNaN(perplexity.ppl)) ? NaN : Infinity;',
    to: 'Number.isNaN(perplexity.ppl)) ? NaN : NaN;',
  },
  {
    file: 'src/model/traceNonFinite.ts',
    specs: ['spec/model/traceNonFinite.spec.ts'],
    name: 'the trace walks masked blocks',
    from: 'walkOf(config, mask)',
    to: 'walkOf(config)',
  },
  {
    file: 'src/cli/onceOptions.ts',
    specs: ['spec/cli/onceOptions.spec.ts'],
    name: 'a second value of an option wins',
    from: 'if (given > 1)',
    to: 'if (given > 2)',
  },
  {
    file: 'src/eval/textNotes.ts',
    specs: ['spec/eval/textNotes.spec.ts'],
    name: 'CRLF across two pieces is not seen',
    from: "const borders = this.#afterCr && piece.startsWith('\\n') ? 1 : 0;",
    to: 'const borders = 0;',
  },
  {
    ...stream,
    name: 'a part is encoded without what stands before it',
    from: 'this.#tokenizer.encode(text + part)',
    to: 'this.#tokenizer.encode(part)',
  },
  {
    ...stream,
    name: 'a text is cut anywhere',
    from: 'if (tokenizer.cutsBetween(left, right)) return at;',
    to: 'return at;',
  },
  {
    ...cuts,
    name: 'a match across a cut is not seen',
    from: '!nullable(node) && !spans(node, left, right) &&',
    to: '!nullable(node) &&',
  },
  {
    file: 'src/eval/textNotes.ts',
    specs: ['spec/eval/textNotes.spec.ts'],
    name: 'CRLF is not mentioned',
    from: 'if (this.#crlf > 0) {',
    to: 'if (this.#crlf < 0) {',
  },
  {
    ...aggregation,
    name: 'the perplexity of a dense model whose loss is NaN is a figure',
    from: 'if (mask.size === 0) await requireFiniteLoss(model, chunks, mask, scores);',
    to: '',
  },
  {
    ...aggregation,
    name: 'a mean loss too large for a perplexity is infinite without a word',
    from: 'if (mask.size === 0) requireFinitePerplexity(model.source.name, found);',
    to: '',
  },
];
