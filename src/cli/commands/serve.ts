import type { Command } from 'commander';
import { wholeNumber } from '../options.ts';
import { DEFAULT_PORT, serveCommand } from '../serveCommand.ts';
import { addExamples } from './examples.ts';

export function addServe(root: Command): void {
  const command = root.command('serve').argument('[folder]', 'the folder to show (default: this one)');
  command
    .description("show a folder's files in a browser, such as a run's report; for this machine alone, until Ctrl-C")
    .optionsGroup('Server:')
    .option('--port <n>', `port to listen on (default: ${DEFAULT_PORT}, or the next free one)`, wholeNumber(0, 65_535))
    .option('--host <address>', 'address to listen on; 0.0.0.0 lets other machines read the folder', '127.0.0.1')
    .optionsGroup('Output:')
    .option('--quiet', 'print the address and no notes', false)
    .action(serveCommand);
  addExamples(command, [
    ['the report of a run', 'serve runs/first'],
    ['this folder, at a port of your own', 'serve --port 9000'],
  ]);
}
