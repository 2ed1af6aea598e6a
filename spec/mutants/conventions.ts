/** Faults of the conventions by name, and of errors that are paired over chunks. */
import type { Mutant } from './mutant.ts';

const golden = ['spec/eval/namedConvention.spec.ts'];
const chunks = { file: 'src/eval/chunks.ts', specs: golden };
const cuts = { file: 'src/eval/cuts.ts', specs: golden };
const scores = { file: 'src/eval/perplexity.ts', specs: golden };
const texts = { file: 'src/eval/words.ts', specs: ['spec/eval/tokenData.spec.ts'] };

export const conventionMutants: readonly Mutant[] = [
  {
    ...chunks,
    name: 'llama.cpp: one target too many, the first after the half',
    from: 'target >= Math.floor(chunks.chunk / 2)',
    to: 'target + 1 >= Math.floor(chunks.chunk / 2)',
  },
  {
    ...chunks,
    name: 'llama.cpp: a BOS at the head of the stream only',
    from: "if (bos === 'replaced' && bosId !== null) ids[0] = bosId;",
    to: '',
  },
  {
    ...chunks,
    name: 'every convention ignores the pad id',
    from: "convention === 'paper' && config.padTokenId !== null",
    to: 'config.padTokenId !== null',
  },
  {
    ...chunks,
    name: 'texts one by one: the window’s context is scored again',
    from: 'target >= chunks.texts.firstTargets[index]',
    to: 'target >= 0',
  },
  {
    file: 'src/eval/textWindows.ts',
    specs: golden,
    name: 'texts one by one: measured on after enough tokens',
    from: "(convention === 'word' && end > limit)",
    to: "(convention === 'word' && start > limit)",
  },
  {
    ...cuts,
    name: 'hf-stride drops the tail',
    from: 'start + length - step < stream.length && start + 1 < stream.length',
    to: 'start + length <= stream.length',
  },
  {
    ...cuts,
    name: 'a later window of a text begins without the token before it',
    from: 'end - 1 - length',
    to: 'end - length',
  },
  {
    ...scores,
    name: 'words: nats over tokens',
    from: "words !== null && chunks.convention === 'word' ? words : own.targets",
    to: 'own.targets',
  },
  {
    ...scores,
    name: 'windows of different lengths go through the model together',
    from: 'return other < 0 ? ids : ids.slice(0, other);',
    to: 'return other < 0 ? ids : ids;',
  },
  {
    file: 'src/eval/words.ts',
    specs: ['spec/eval/words.spec.ts'],
    name: 'words: only blanks and line feeds stand between them',
    from: 'return isSpace(char) ||',
    to: "return char === ' ' || char === '\\n' ||",
  },
  {
    file: 'src/eval/bos.ts',
    specs: golden,
    name: 'texts one by one begin with a BOS or not at all',
    from: ' ?? tokenizer?.eosTokenId ?? config.eosTokenIds.at(0) ?? null',
    to: '',
  },
  {
    ...texts,
    name: 'texts one by one: words of a text’s first piece only',
    from: 'this.take(piece);',
    to: 'if (this.count === 1) this.take(piece);',
  },
  {
    file: 'src/prune/hashInputs.ts',
    specs: ['spec/cli/conventions.spec.ts'],
    name: 'journal hash misses the convention',
    from: "(convention === 'paper' ? {} : { convention })",
    to: "(convention === 'paper' ? {} : {})",
  },
  {
    file: 'src/eval/paired.ts',
    specs: ['spec/eval/paired.spec.ts'],
    name: 'the error of a difference is that of a level',
    from: 'value: value - base[index].value,',
    to: 'value: value + 0 * base[index].value,',
  },
  {
    file: 'src/eval/paired.ts',
    specs: ['spec/eval/paired.spec.ts'],
    name: 'two chunks have an error of their difference',
    from: 'const LEAST_TERMS = 3;',
    to: 'const LEAST_TERMS = 2;',
  },
  {
    file: 'src/eval/ratioEstimate.ts',
    specs: ['spec/eval/paired.spec.ts'],
    name: 'chunks that weigh more scatter more',
    from: '(term.value - estimate * term.weight) ** 2',
    to: '(term.value - estimate) ** 2',
  },
  {
    file: 'src/prune/search.ts',
    specs: ['spec/prune/pairedSteps.spec.ts'],
    name: 'a step’s change is against the step before',
    from: 'if (step === 1) {\n      dense = outcome.base;',
    to: 'dense = outcome.base;\n    if (step === 1) {',
  },
  {
    file: 'src/prune/race/raceStep.ts',
    specs: ['spec/prune/pairedSteps.spec.ts'],
    name: 'a race’s scores are paired in the order of its visits',
    from: 'this.#inChunkOrder(own) : []',
    to: 'own : []',
  },
];
