/** Faults in log-likelihoods of continuations. */
import type { Mutant } from './mutant.ts';

const likelihood = { file: 'src/eval/likelihood.ts', specs: ['spec/eval/likelihood.spec.ts'] };

export const likelihoodMutants: readonly Mutant[] = [
  {
    ...likelihood,
    name: 'likelihood: the row of a token is taken for the row that predicts it',
    from: 'sequence * length + member.context.length - 1;',
    to: 'sequence * length + member.context.length;',
  },
  {
    ...likelihood,
    name: 'likelihood: of the first token alone is greedy',
    from: 'greedy &&= best',
    to: 'greedy = best',
  },
  {
    ...likelihood,
    name: 'likelihood: nats have the sign of a loss',
    from: 'nats -= nll[row];',
    to: 'nats += nll[row];',
  },
  {
    ...likelihood,
    name: 'likelihood: rows of the head are not bounded',
    from: 'predicted + member.continuation.length > rows',
    to: 'false',
  },
  {
    ...likelihood,
    name: 'likelihood: what reads the same is read again',
    from: "grouped(members, ({ read }) => read.join(' '))",
    to: 'grouped(members, ({ index }) => index.toString())',
  },
  {
    ...likelihood,
    name: 'likelihood: the rows of one sequence are not freed when the head fails or ends',
    from: 'await consume(model.backend, x, () => predictingRows(model, batch, x))',
    to: 'await predictingRows(model, batch, x)',
  },
  {
    name: 'likelihood: of equal logits the last is the greedy one',
    file: 'src/model/head.ts',
    from: 'if (!(logit > highest[row])) continue;',
    to: 'if (!(logit >= highest[row])) continue;',
    specs: ['spec/eval/likelihood.spec.ts'],
  },
];
