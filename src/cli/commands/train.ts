import type { Command } from 'commander';
import { wholeNumber } from '../options.ts';
import { trainCommand } from '../trainCommand.ts';
import { addExamples } from './examples.ts';
import { addConfigOption, addTrainingOptions } from './shared.ts';

export function addTrain(root: Command): void {
  const command = root.command('train').argument('<recipe>', 'a module that exports `recipe`, or a .json file');
  command
    .description('train a model as a recipe says; a killed run resumes')
    .optionsGroup('Output:')
    .requiredOption('--out <dir>', "folder for the model; the run's own files go to training/ in it")
    .option('--checkpoint <n>', 'steps between checkpoints', wholeNumber(1), 200);
  addConfigOption(addTrainingOptions(command)).action(trainCommand);
  addExamples(command, [
    ['a model from a recipe; after a kill, the same line goes on', 'train recipe.json --out trained'],
    ['anew, with a checkpoint every 20 steps', 'train recipe.json --out trained --fresh --checkpoint 20'],
  ]);
}
