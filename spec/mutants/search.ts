/** Faults of the search, its journal and its race. */
import type { Mutant } from './mutant.ts';

const journal = { file: 'src/prune/runIdentity.ts', specs: ['spec/prune/run.spec.ts'] };
const race = { file: 'src/prune/race/raceRule.ts', specs: ['spec/prune/race/raceRule.spec.ts'] };
const checkpoints = { file: 'src/prune/pricing/checkpoints.ts', specs: ['spec/prune/pricing/checkpoints.spec.ts'] };
const bundles = { file: 'src/prune/pricing/bundles.ts', specs: ['spec/prune/pricing/bundles.spec.ts'] };
const sweep = { file: 'src/prune/pricing/sweep.ts', specs: ['spec/prune/pricing/sweep.spec.ts'] };
/** As src/prune/hashInputs.ts has it; the fields that its hash must cover. */
const SETTINGS = '{ chunk, stride, bos, ignoredId, nllSum, ...';

export const searchMutants: readonly Mutant[] = [
  {
    file: 'src/prune/lowest.ts',
    specs: ['spec/prune/search.spec.ts'],
    name: '<= for < in the pick: the last of equals goes',
    from: 'figureOf(candidate, metric) < (best',
    to: 'figureOf(candidate, metric) <= (best',
  },
  {
    file: 'src/prune/candidates.ts',
    specs: ['spec/prune/candidates.spec.ts'],
    name: 'candidate order: MLP before MHA',
    from: "[...(kind === 'mlp' ? [] : ofKind('mha')), ...(kind === 'mha' ? [] : ofKind('mlp'))]",
    to: "[...(kind === 'mha' ? [] : ofKind('mlp')), ...(kind === 'mlp' ? [] : ofKind('mha'))]",
  },
  {
    file: 'src/prune/candidates.ts',
    specs: ['spec/prune/candidates.spec.ts'],
    name: 'a layer counts as whole while one of its blocks is left',
    from: 'blocks.every(may)',
    to: 'blocks.some(may)',
  },
  {
    ...sweep,
    name: 'the sweep walks removed blocks too',
    from: 'of walkOf(model.config, mask)',
    to: 'of walkOf(model.config)',
  },
  {
    ...sweep,
    name: 'mask of the wrong kind in the sweep: the fork passes its own block',
    from: '1 + Math.max(...skipping.blocks.map(walkIndex))',
    to: 'place + 1',
  },
  {
    ...sweep,
    name: 'the fork is taken after its block',
    from: 'forks.add(skipping.name, base, 1',
    to: 'forks.add(skipping.name, await model.block(block, base, seqLen), 1',
  },
  {
    ...checkpoints,
    name: 'stale checkpoint: removals before it are not looked at',
    from: 'removed !== removedBefore(mask, position) || ',
    to: '',
  },
  {
    ...checkpoints,
    name: 'stale checkpoint: forks it lacks are not missed',
    from: ' || !needed.every(({ name }) => forked.has(name))',
    to: ' || needed.length < 0',
  },
  {
    ...checkpoints,
    name: 'checkpoint forks are not held',
    from: 'for (const { stream } of forks) this.#holders.hold(stream);',
    to: '',
  },
  {
    ...bundles,
    name: 'bundles: the fork that skips the next block is stacked with others',
    from: 'Math.max(upper.at, lower.at) > place',
    to: 'names.length < 2',
  },
  {
    ...bundles,
    name: 'bundles: one stream more than there is memory for',
    from: 'names.length > this.#size ||',
    to: 'names.length > this.#size + 1 ||',
  },
  {
    file: 'src/prune/pricing/plan.ts',
    specs: ['spec/prune/pricing/plan.spec.ts'],
    name: 'bundles: as large as the backend asks for, whatever the memory',
    from: 'Math.min(fitting, bundleSize(config, rows, backend.stackBytes))',
    to: 'bundleSize(config, rows, backend.stackBytes)',
  },
  {
    ...bundles,
    name: 'bundles: streams of a checkpoint under the names of others',
    from: 'if (to > from) views.push(scope.view(stream, from * rows, to * rows));',
    to: 'if (to > from) views.unshift(scope.view(stream, from * rows, to * rows));',
  },
  {
    ...bundles,
    name: 'bundles: what was stacked is not let go of',
    from: 'for (const part of [upper, lower]) this.#holders.release(part.stream);',
    to: '',
  },
  ...['stride, ', 'bos, ', 'ignoredId, ', ', nllSum'].map((field): Mutant => ({
    ...journal,
    file: 'src/prune/hashInputs.ts',
    name: `journal hash misses a field: ${field.replace(/^, |, $/g, '')}`,
    from: `return ${SETTINGS}`,
    to: `return ${SETTINGS.replace(field, '')}`,
  })),
  {
    ...journal,
    name: 'journal hash misses a field: kind',
    from: '{ kind, ...evaluationIdentity',
    to: '{ ...evaluationIdentity',
  },
  {
    ...journal,
    name: 'journal hash misses a field: the race',
    specs: ['spec/prune/race/raceSearch.spec.ts'],
    from: "{ search: 'race', rule: RACE_RULE, ...race }",
    to: '{}',
  },
  {
    ...journal,
    file: 'src/eval/convention.ts',
    name: 'journal hash misses the ids of later chunks',
    from: 'for (const own of ids) hasher.update',
    to: 'for (const own of ids.slice(0, 1)) hasher.update',
  },
  {
    file: 'src/prune/journal.ts',
    specs: ['spec/prune/journal.spec.ts'],
    name: 'journal header: the backend is not compared',
    from: `  for (const key of keys) {
    if (found[key] === expected[key]) continue;`,
    to: `  for (const key of keys) {
    if (key === 'backend' || found[key] === expected[key]) continue;`,
  },
  {
    ...race,
    name: 'race: the permitted error is not shared out over looks',
    from: 'tailNats(looks / ((1 - confidence) * weights[rival]))',
    to: 'tailNats(1 / ((1 - confidence) * weights[rival]))',
  },
  {
    ...race,
    name: 'race: nor over rivals',
    from: 'tailNats(looks / ((1 - confidence) * weights[rival]))',
    to: 'tailNats(looks / (1 - confidence))',
  },
  {
    ...race,
    name: 'race: segments count as independent witnesses',
    from: 'seen === 1 ? effect.within * scatter.within : effect.factor * scatter.segments;',
    to: 'seen === 1 ? effect.within * scatter.within : scatter.segments;',
  },
  {
    ...race,
    specs: ['spec/prune/race/raceReplay.spec.ts'],
    name: 'race: one chunk is taken to show how far chunks lie apart',
    from: 'effect.within * scatter.within',
    to: 'effect.factor * scatter.within',
  },
  {
    ...race,
    name: 'race: a candidate is dropped for being better',
    from: 'const gap = means[candidate] - means[rival];',
    to: 'const gap = means[rival] - means[candidate];',
  },
  {
    ...race,
    name: 'race: the margin is not left to the end',
    from: 'if (!(gap > margin)) break;',
    to: 'if (!(gap > 0)) break;',
  },
  {
    ...race,
    name: 'race: chunks that all steps share an order',
    from: 'fork(`chunks of step ${step}`)',
    to: 'fork(`chunks`)',
  },
  {
    ...race,
    name: 'race: the sample is taken for endless',
    from: 'const unseen = 1 - seen / population;',
    to: 'const unseen = 1 + 0 * (seen / population);',
  },
];
