import type { Command } from 'commander';
import { wholeNumber } from '../options.ts';
import { trainCommand } from '../trainCommand.ts';
import { addTrainingOptions } from './shared.ts';

export function addTrain(root: Command): void {
  addTrainingOptions(root.command('train').argument('<recipe>', 'a module that exports `recipe`, or a .json file'))
    .description('train a model as a recipe says; a killed run resumes')
    .requiredOption('--out <dir>', "folder for the model; the run's own files go to training/ in it")
    .option('--checkpoint <n>', 'steps between checkpoints', wholeNumber(1), 200)
    .action(trainCommand);
}
