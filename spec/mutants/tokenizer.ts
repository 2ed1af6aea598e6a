/** Faults of the tokenizer: other tokens than those that the model was trained on. */
import type { Mutant } from './mutant.ts';

const specs = ['spec/tokenizer/pipelineGoldens.spec.ts'];
const faults = ['spec/tokenizer/faults.spec.ts'];
const regex = ['spec/tokenizer/regex/pattern.spec.ts'];

export const tokenizerMutants: readonly Mutant[] = [
  {
    name: 'SentencePiece: of equal scores the lower id goes first, not the leftmost',
    file: 'src/tokenizer/mergesFromScores.ts',
    specs: ['spec/tokenizer/mergesFromScores.spec.ts'],
    from: 'ranks.push(rank);',
    to: 'ranks.push(ranks.length);',
  },
  {
    name: 'Metaspace first: a mark before every piece',
    file: 'src/tokenizer/preTokenizers.ts',
    specs: faults,
    from: "(scheme === 'first' && piece.atStart > 0)",
    to: "scheme === 'first'",
  },
  {
    name: 'Metaspace decoder: never is read as always',
    file: 'src/tokenizer/decoders.ts',
    specs: faults,
    from: "index === 0 && scheme !== 'never'",
    to: 'index === 0',
  },
  {
    name: 'possessive quantifiers give back what they took',
    file: 'src/tokenizer/regex/program.ts',
    specs: faults,
    from: "mode === 'greedy' ? op.span : op.grab",
    to: 'op.span',
  },
  {
    name: 'atomic groups give back what they took',
    file: 'src/tokenizer/regex/program.ts',
    specs: regex,
    from: '    this.emit(op.commit, slot);',
    to: '',
  },
  {
    name: 'white space as JavaScript has it: U+FEFF yes, U+0085 no',
    file: 'src/tokenizer/regex/properties.ts',
    specs: faults,
    from: "space: '\\\\p{White_Space}'",
    to: "space: '\\\\s'",
  },
  {
    name: 'the prefix space is left out before any white space',
    file: 'src/tokenizer/preTokenizers.ts',
    specs: faults,
    from: "!piece.text.startsWith(' ')",
    to: '!/^\\s/.test(piece.text)',
  },
  {
    name: 'normalized added tokens are looked for as they are written',
    file: 'src/tokenizer/pipeline.ts',
    specs: faults,
    from: 'token.normalized ? normal(',
    to: 'token.id < 0 ? normal(',
  },
  {
    name: 'added tokens: the shortest counts, not the longest',
    file: 'src/tokenizer/addedTokens.ts',
    specs,
    from: 'if (node.token !== undefined) longest =',
    to: 'if (node.token !== undefined && longest === null) longest =',
  },
  {
    name: 'added tokens: whole words only is not looked at',
    file: 'src/tokenizer/addedTokens.ts',
    specs,
    from: ' || (single && !standsAlone(text, start, end))',
    to: '',
  },
  {
    name: 'a byte that the vocabulary lacks becomes token 0',
    file: 'src/tokenizer/bpe.ts',
    specs: faults,
    from: '} else if (unknownId !== undefined) {',
    to: '} else {',
  },
  {
    name: 'unknown characters in a row are always fused',
    file: 'src/tokenizer/bpe.ts',
    specs,
    from: 'if (pending && !model.fuse_unk)',
    to: 'if (pending && pending !== true)',
  },
  {
    name: 'merges: of equal ranks the last place goes first',
    file: 'src/tokenizer/mergeWord.ts',
    specs,
    from: 'merges.ranks[found] < merges.ranks[best]',
    to: 'merges.ranks[found] <= merges.ranks[best]',
  },
  {
    name: 'merges of long words: entries out of date count',
    file: 'src/tokenizer/mergeWord.ts',
    specs: faults,
    from: 'if (found < 0 || merges.ranks[found] !== Math.floor(key / POSITIONS)) continue;',
    to: 'if (found < 0) continue;',
  },
  {
    name: 'words are taken whole though merges count',
    file: 'src/tokenizer/bpe.ts',
    specs,
    from: 'model.ignore_merges ? vocab.get(word) : undefined',
    to: 'vocab.get(word)',
  },
  {
    name: 'a hostile pattern runs without a bound',
    file: 'src/tokenizer/regex/machine.ts',
    specs: regex,
    from: 'if (--steps < 0) throw new StepsSpent();',
    to: 'steps--;',
  },
  {
    name: 'Lowercase writes a final sigma',
    file: 'src/tokenizer/normalizers.ts',
    specs,
    from: "text.replaceAll('Σ', 'σ').toLowerCase()",
    to: 'text.toLowerCase()',
  },
  {
    name: 'tokens that are random pass for exact',
    file: 'src/tokenizer/vocabulary.ts',
    specs: ['spec/tokenizer/hfTokenizer.spec.ts'],
    from: 'if ((model.dropout ?? 0) !== 0) {',
    to: "if ((model.dropout ?? 0) === '') {",
  },
  {
    name: 'a suffix of words is left out without a word',
    file: 'src/tokenizer/vocabulary.ts',
    specs: ['spec/tokenizer/hfTokenizer.spec.ts'],
    from: ", 'end_of_word_suffix']",
    to: ']',
  },
  {
    name: 'a Replace whose pattern matches nothing is taken',
    file: 'src/tokenizer/normalizers.ts',
    specs: ['spec/tokenizer/hfTokenizer.spec.ts'],
    from: 'if (finder.canBeEmpty) {',
    to: "if (finder.canBeEmpty && content === '') {",
  },
];
