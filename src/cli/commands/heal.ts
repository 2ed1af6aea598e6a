import type { Command } from 'commander';
import { defaultHealing } from '../../train/healRun.ts';
import { addEvalOptions } from '../evalOptions.ts';
import { healCommand } from '../healCommand.ts';
import { number, seed, wholeNumber } from '../options.ts';
import { modelArgument } from '../tinyModels.ts';
import { addExamples } from './examples.ts';
import { addConfigOption, addTrainingOptions, RUN, STEP } from './shared.ts';

export function addHeal(root: Command): void {
  const command = root.command('heal').argument('<model>', 'a folder with config.json and safetensors', modelArgument);
  addEvalOptions(command)
    .description('train low-rank adapters (LoRA) on a pruned model (text: --data), merge them, and measure on --valid')
    .optionsGroup('Data:')
    .requiredOption('--valid <file>', 'text to measure perplexity on, other than --data')
    .optionsGroup('Blocks:')
    .option('--run <dir>', RUN)
    .option('--step <k>', STEP, wholeNumber(1))
    .option('--mask <blocks>', 'the removed blocks, instead of --run')
    .optionsGroup('Training:')
    .option('--steps <n>', 'training steps', wholeNumber(1), defaultHealing.steps)
    .option('--rank <r>', 'rank of the adapters', wholeNumber(1, 4096), defaultHealing.rank)
    .option(
      '--alpha <a>',
      'adapters are scaled by alpha / rank',
      number({ min: 0, above: true, max: 1e6 }),
      defaultHealing.alpha,
    )
    .option(
      '--lr <rate>',
      'learning rate at the start; it falls linearly to 0',
      number({ min: 0, above: true, max: 10 }),
      defaultHealing.lr,
    )
    .option('--seq-len <n>', "tokens per training sequence (default: 512 or the model's context)", wholeNumber(2))
    .option('--sequences <n>', 'sequences per batch', wholeNumber(1, 65_536), defaultHealing.sequences)
    .option('--accumulate <n>', 'batches per step', wholeNumber(1, 65_536), defaultHealing.accumulate)
    .option(
      '--seed <n>',
      'seed for the adapters, the order of the data, and --sample windows',
      seed,
      defaultHealing.seed,
    )
    .optionsGroup('Output:')
    .option('--out <dir>', 'folder for the healed model (default: healed/ in --run)');
  addConfigOption(addTrainingOptions(command)).action(healCommand);
  addExamples(command, [
    ['what `prune … --out runs/first` left', 'heal my-model --data text.txt --valid held-out.txt --run runs/first'],
    [
      'longer, with larger adapters',
      'heal my-model --data text.txt --valid held-out.txt --run runs/first --steps 400 --rank 32 --fresh',
    ],
  ]);
}
