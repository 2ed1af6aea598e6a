import { element, type Markup } from '../../drawing/html.ts';
import type { PruneResult } from '../result.ts';
import { section } from './section.ts';

const SEARCHED =
  'Every block still there is left out on trial. The one whose absence leaves the lowest perplexity is removed for good, and the next ' +
  'step begins without it. This greedy search is BlockPruner’s.';
const RANKED =
  'Every block was scored once, on the whole model; the lowest score went first. Perplexity was measured after each removal, but decided ' +
  'nothing.';

const REPAIR: [string, string] = [
  'Repair',
  'A kept block before a gap can take over part of what the removed ones did: its output matrix is solved anew, by least squares over the ' +
    'tokens of the text. Part of the text is held out, to see whether this helps beyond what was fitted.',
];

/** The report's own glossary, for a reader who has never pruned a model. */
const termsOf = ({ scores, repair }: PruneResult): readonly [string, string][] => [
  [
    'Layer and block',
    'A transformer is a stack of layers. Each layer has two blocks: attention (MHA) lets tokens look at earlier ones, the MLP works on ' +
      'each token by itself. Both add their result to a running sum, so any block can be left out and the rest still runs.',
  ],
  [
    'Perplexity',
    'How uncertain the model is about real text. At perplexity 20 it is, on average, as unsure as if it chose among 20 equally likely ' +
      'tokens. Lower is better, and only figures taken by the same convention on the same text compare.',
  ],
  ['Step', scores === undefined ? SEARCHED : RANKED],
  ...(repair === undefined ? [] : [REPAIR]),
  [
    'Ratio',
    'The share of all parameters that is gone (embeddings count, tied weights once). The share of block parameters and of blocks is given ' +
      'beside it, because papers differ in which of them they call “the ratio”.',
  ],
  [
    'Standard error (±)',
    'How far a figure would move on other text of the same kind. Two models find the same chunks hard, so both perplexities move together: ' +
      'whether they differ is told by the ± of the change, not by those of the two perplexities.',
  ],
  [
    'Near-tie',
    'Two candidates closer than rounding can tell apart. The pick is right for this backend; another might pick the runner-up, with nearly ' +
      'the same result.',
  ],
  [
    'What it does not say',
    'Perplexity on one text is not ability in general. Measure the tasks you care about before you rely on a pruned model.',
  ],
];

export function guideSection(result: PruneResult): Markup {
  const entries = termsOf(result).map(([term, words]) =>
    element('div', {}, element('dt', {}, term), element('dd', {}, words)),
  );
  return section('guide', 'How to read this', element('dl', { class: 'guide' }, entries));
}
