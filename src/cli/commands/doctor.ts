import type { Command } from 'commander';
import { doctorCommand } from '../doctorCommand.ts';
import { addExamples } from './examples.ts';

export function addDoctor(root: Command): void {
  const command = root.command('doctor');
  command
    .description('show what this machine offers and which backend would run')
    .optionsGroup('Output:')
    .option('--json', 'print one JSON document', false)
    .action(doctorCommand);
  addExamples(command, [
    ['what would run here, and why', 'doctor'],
    ['the same for a program', 'doctor --json'],
  ]);
}
