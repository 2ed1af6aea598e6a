import type { Command } from 'commander';
import { reportCommand } from '../reportCommand.ts';
import { addExamples } from './examples.ts';

export function addReport(root: Command): void {
  const command = root.command('report').argument('<dir...>', 'folders that prune wrote');
  command
    .description("draw a run's report anew, or several runs side by side on one page")
    .optionsGroup('Output:')
    .option('--out <file>', 'the page (default: report.html in <dir>; for several: comparison.html)')
    .option('--force', 'replace --out even if it is not a report', false)
    .option('--quiet', 'print no progress', false)
    .action(reportCommand);
  addExamples(command, [
    ['draw a report again, of a run by any version', 'report runs/first'],
    ['two runs side by side', 'report runs/first runs/second --out both.html'],
  ]);
}
