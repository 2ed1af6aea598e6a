import type { Command } from 'commander';
import { generateCommand } from '../generateCommand.ts';
import { number, seed, wholeNumber } from '../options.ts';
import { modelArgument } from '../tinyModels.ts';
import { addModelOptions, MASK, MODEL, RUN, STEP } from './shared.ts';

export function addGenerate(root: Command): void {
  addModelOptions(root.command('generate').argument('<model>', MODEL, modelArgument))
    .description('continue a text, with blocks switched off if asked')
    .requiredOption('--prompt <text>', 'the text to continue')
    .option('--mask <blocks>', MASK)
    .option('--run <dir>', RUN)
    .option('--step <k>', STEP, wholeNumber(1))
    .option('--max-tokens <n>', 'maximum number of new tokens', wholeNumber(1), 64)
    .option('--temperature <t>', '0 takes the likeliest token', number({ min: 0, max: 1000 }), 0)
    .option('--top-k <k>', 'sample from the k likeliest tokens; 0 = all', wholeNumber(0), 0)
    .option(
      '--top-p <p>',
      'sample from the likeliest tokens whose probabilities add up to p',
      number({ min: 0, above: true, max: 1 }),
      1,
    )
    .option('--seed <n>', 'seed for sampling', seed, 0)
    .option('--json', 'print one JSON document and nothing else', false)
    .option('--quiet', 'print no notes', false)
    .action(generateCommand);
}
