import type { Command } from 'commander';
import { inspectCommand } from '../inspectCommand.ts';
import { modelArgument } from '../tinyModels.ts';
import { addHubOptions, MODEL } from './shared.ts';

export function addInspect(root: Command): void {
  addHubOptions(root.command('inspect').argument('<model>', MODEL, modelArgument))
    .description('show the config and the size of every block')
    .option('--json', 'print one JSON document', false)
    .action(inspectCommand);
}
