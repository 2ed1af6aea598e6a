import type { Command } from 'commander';
import { inspectCommand } from '../inspectCommand.ts';
import { modelArgument } from '../tinyModels.ts';
import { addExamples } from './examples.ts';
import { addHubOptions, MODEL } from './shared.ts';

export function addInspect(root: Command): void {
  const command = root.command('inspect').argument('<model>', MODEL, modelArgument);
  addHubOptions(command)
    .description('show the config and the size of every block')
    .optionsGroup('Output:')
    .option('--json', 'print one JSON document', false)
    .action(inspectCommand);
  addExamples(command, [
    ['a model that comes along', 'inspect tiny:planted'],
    ['a model of the Hugging Face hub', 'inspect HuggingFaceTB/SmolLM2-135M'],
  ]);
}
