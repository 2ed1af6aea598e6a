// A pruning method of your own: attention goes first, and late layers before early ones. A method
// gives every candidate a score, and the lowest goes first. Journal, resuming and report come with
// it.
//
//   npx blockpruner prune MODEL --data TEXT-FILE --method ./attentionFirst.mjs --blocks 3
import { rankingMethod } from 'blockpruner';

export const method = rankingMethod({
  name: 'attention-first',
  summary: 'removes attention before anything else, from the last layer down',
  paper: null,
  needs: [],
  defaults: {},
  score: ({ candidates, model }) =>
    candidates.map(({ blocks: [block] }) => {
      const fromTheEnd = model.config.layers.length - block.layer;
      return block.kind === 'mha' ? fromTheEnd : 1000 + fromTheEnd;
    }),
});
