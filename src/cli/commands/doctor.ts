import type { Command } from 'commander';
import { doctorCommand } from '../doctorCommand.ts';

export function addDoctor(root: Command): void {
  root
    .command('doctor')
    .description('show what this machine offers and which backend would run')
    .option('--json', 'print one JSON document', false)
    .action(doctorCommand);
}
