import type { Command } from 'commander';
import { addEvalOptions } from '../evalOptions.ts';
import { seed, wholeNumber } from '../options.ts';
import { perplexityCommand } from '../perplexityCommand.ts';
import { measuresTinyModels, modelArgument } from '../tinyModels.ts';
import { addExamples } from './examples.ts';
import { addConfigOption, addModelOptions, csvOption, MASK, MODEL, RUN, STEP } from './shared.ts';

export function addPerplexity(root: Command): void {
  const command = root.command('perplexity').argument('<model>', MODEL, modelArgument);
  measuresTinyModels(addEvalOptions(command))
    .description('measure perplexity, with blocks switched off if asked')
    .optionsGroup('Data:')
    .option('--seed <n>', 'seed for the windows that --sample draws (default: 0)', seed)
    .optionsGroup('Blocks:')
    .option('--mask <blocks>', MASK)
    .option('--run <dir>', RUN)
    .option('--step <k>', STEP, wholeNumber(1))
    .optionsGroup('Output:')
    .option('--json', 'print one JSON document and nothing else', false)
    .addOption(csvOption('the figures'))
    .option('--quiet', 'print no progress', false);
  addConfigOption(addModelOptions(command)).action(perplexityCommand);
  addExamples(command, [
    ['a model that comes along, whole', 'perplexity tiny:planted'],
    ['the same model without two of its blocks', 'perplexity tiny:planted --mask L1.mlp,L2.mha'],
    ['your own model, as llama.cpp measures', 'perplexity my-model --data text.txt --convention llama.cpp'],
  ]);
}
