import type { Command } from 'commander';
import { oneMore } from '../evalOptions.ts';
import { wholeNumber } from '../options.ts';
import { verifyCommand } from '../verifyCommand.ts';
import { addExamples } from './examples.ts';
import { addModelOptions } from './shared.ts';

export function addVerify(root: Command): void {
  const command = root.command('verify').argument('<run>', 'a folder that prune or repair wrote');
  command
    .description('check the files of a run by their hashes, and measure its last model again')
    .optionsGroup('Data:')
    .option('--model <model>', 'the model, where the run does not say where it is, or where it has moved')
    .option('--data <file>', 'the text of the run, where it has moved; give it again for each further file', oneMore)
    .option('--field <name>', 'of rows, as the run had it')
    .option('--tokens <n>', 'as the run had it, where it has no run.json', wholeNumber(2))
    .optionsGroup('Output:')
    .option('--json', 'print one JSON document and nothing else', false)
    .option('--quiet', 'print no progress', false);
  addModelOptions(command).action(verifyCommand);
  addExamples(command, [
    ['a run whose model and text are where they were', 'verify runs/first'],
    ['one that came from another machine', 'verify runs/first --model my-model --data text.txt'],
  ]);
}
