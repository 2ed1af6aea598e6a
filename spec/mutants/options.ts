import type { Mutant } from './mutant.ts';

const words = { file: 'src/cli/config/configWords.ts', specs: ['spec/cli/config.spec.ts'] };
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
    ...wrong,
    file: 'src/cli/config/readConfig.ts',
    name: 'JSON with a key twice is taken',
    from: 'if (twice !== undefined) throw twice;',
    to: '',
  },
  {
    ...wrong,
    file: 'src/cli/config/configWords.ts',
    name: "a config's value out of its range is called a bug of ours",
    from: 'if (!(cause instanceof InvalidArgumentError)) throw cause;',
    to: 'throw cause;',
  },
];
