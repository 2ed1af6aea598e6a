import type { Command } from 'commander';
import { addEvalOptions } from '../evalOptions.ts';
import { seed, wholeNumber } from '../options.ts';
import { perplexityCommand } from '../perplexityCommand.ts';
import { measuresTinyModels, modelArgument } from '../tinyModels.ts';
import { addModelOptions, MASK, MODEL, RUN, STEP } from './shared.ts';

export function addPerplexity(root: Command): void {
  addModelOptions(
    measuresTinyModels(addEvalOptions(root.command('perplexity').argument('<model>', MODEL, modelArgument))),
  )
    .description('measure perplexity, with blocks switched off if asked')
    .option('--mask <blocks>', MASK)
    .option('--run <dir>', RUN)
    .option('--step <k>', STEP, wholeNumber(1))
    .option('--json', 'print one JSON document and nothing else', false)
    .option('--quiet', 'print no progress', false)
    .option('--seed <n>', 'seed for the windows that --sample draws (default: 0)', seed)
    .action(perplexityCommand);
}
