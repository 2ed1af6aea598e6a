import type { Command } from 'commander';
import { oneMore } from '../evalOptions.ts';
import { generateCommand } from '../generateCommand.ts';
import { number, seed, wholeNumber } from '../options.ts';
import { modelArgument } from '../tinyModels.ts';
import { addExamples } from './examples.ts';
import { addConfigOption, addModelOptions, MASK, MODEL, RUN, STEP } from './shared.ts';

export function addGenerate(root: Command): void {
  const command = root.command('generate').argument('<model>', MODEL, modelArgument);
  command
    .description('continue a text, with blocks switched off if asked')
    .optionsGroup('Generation:')
    .requiredOption('--prompt <text>', 'the text to continue')
    .option('--chat', "the prompt is a message to answer: write it out by the model's chat template", false)
    .option('--system <text>', 'for --chat: what the system message says (default: what the template says)')
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
    .option(
      '--stop <text>',
      'end the text before this one (\\n is a newline); give it again for each further one',
      oneMore,
    )
    .optionsGroup('Blocks:')
    .option('--mask <blocks>', MASK)
    .option('--run <dir>', RUN)
    .option('--step <k>', STEP, wholeNumber(1))
    .optionsGroup('Output:')
    .option('--json', 'print one JSON document and nothing else', false)
    .option('--quiet', 'print no notes', false);
  addConfigOption(addModelOptions(command)).action(generateCommand);
  addExamples(command, [
    ['the likeliest continuation', "generate my-model --prompt 'Once upon a time'"],
    ['the same without two blocks', "generate my-model --prompt 'Once upon a time' --mask L1.mlp,L2.mha"],
    [
      'drawn at random from the likelier tokens, up to a blank line',
      "generate my-model --prompt 'Once upon a time' --temperature 0.8 --top-p 0.9 --seed 7 --stop '\\n\\n'",
    ],
  ]);
}
