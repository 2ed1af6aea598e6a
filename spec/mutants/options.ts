import type { Mutant } from './mutant.ts';

const words = { file: 'src/cli/config/configWords.ts', specs: ['spec/cli/config.spec.ts'] };
const protect = { specs: ['spec/prune/protect.spec.ts'] };
const wrong = { specs: ['spec/cli/wrongInput.spec.ts'] };

/** Configs and what the command line makes of its options. */
export const optionMutants: readonly Mutant[] = [
  {
    ...words,
    name: 'a config wins over the command line',
    from: 'if (!isGiven(option)) words.push(...given);',
    to: 'words.push(...given);',
  },
  {
    ...words,
    name: "a config's model wins over the command line's",
    from: 'if (!hasArgument) words.push(',
    to: 'words.unshift(',
  },
  {
    file: 'src/cli/config/paths.ts',
    specs: ['spec/cli/config.spec.ts'],
    name: "a config's paths count from the working folder",
    from: "return folder === '.' || isAbsolute(value) ? value : join(folder, value);",
    to: 'return value;',
  },
  {
    file: 'src/cli/config/keptConfig.ts',
    specs: ['spec/cli/config.spec.ts'],
    name: 'a kept config starts over',
    from: "new Set(['config', 'fresh', 'force',",
    to: "new Set(['config', 'force',",
  },
  {
    ...protect,
    file: 'src/prune/candidates.ts',
    name: 'a protected block is a candidate all the same',
    from: '!mask.has(block) && !kept.has(formatBlock(block));',
    to: '!mask.has(block);',
  },
  {
    ...protect,
    file: 'src/prune/candidates.ts',
    name: 'an order may name a protected block',
    from: 'if (kept.has(block)) throw',
    to: 'if (false) throw',
  },
  {
    ...protect,
    file: 'src/prune/protect.ts',
    name: 'of a protected layer the MLP goes',
    from: 'filter((block) => block.layer === layer);',
    to: "filter((block) => block.layer === layer && block.kind === 'mha');",
  },
  {
    ...protect,
    file: 'src/prune/search.ts',
    name: '--max-increase counts from 0 and not from the dense perplexity',
    from: 'ppl > densePpl * (1 + stop.maxIncrease / 100)',
    to: 'ppl > densePpl * (stop.maxIncrease / 100)',
  },
  {
    ...protect,
    file: 'src/prune/runIdentity.ts',
    name: 'a journal goes on under other protection',
    from: '...identityOf(method, settings, gradients), ...protectField(kept) }',
    to: '...identityOf(method, settings, gradients) }',
  },
  {
    file: 'src/prune/runIdentity.ts',
    specs: ['spec/cli/runFolder.spec.ts'],
    name: 'runs that differ in their repair or held-out text share a folder',
    from: 'JSON.stringify([header, measured, repaired])',
    to: 'JSON.stringify([header])',
  },
  {
    file: 'src/cli/userFolder.ts',
    specs: ['spec/cli/userFolder.spec.ts'],
    name: 'paths of any npm script count from where the user stands',
    from: "script !== 'cli' || folder",
    to: 'folder',
  },
  {
    file: 'src/cli/csv.ts',
    specs: ['spec/cli/csv.spec.ts'],
    name: 'CSV: a quote within a text is not doubled',
    from: `text.replaceAll('"', '""')`,
    to: 'text',
  },
  {
    file: 'src/cli/terminal.ts',
    specs: ['spec/cli/csv.spec.ts'],
    name: 'words for people stand beside a CSV table',
    from: '!this.json && !this.#csv',
    to: '!this.json',
  },
  {
    file: 'src/cli/backendWords.ts',
    specs: ['spec/cli/backendWords.spec.ts'],
    name: 'lanes are left out where they were asked for',
    from: 'threads === undefined || lanes !== undefined',
    to: 'threads === undefined',
  },
  {
    ...wrong,
    file: 'src/cli/config/readConfig.ts',
    name: 'JSON with a key twice is taken',
    from: 'cause instanceof YAMLException && cause.reason === TWICE',
    to: 'cause === null',
  },
  {
    ...wrong,
    file: 'src/cli/config/configWords.ts',
    name: "a config's value out of its range is called a bug of ours",
    from: 'if (!(cause instanceof InvalidArgumentError)) throw cause;',
    to: 'throw cause;',
  },
];
