/** The command line: all commands. The options of each are in a file of its own in commands/. */
import { Command, Help, Option } from 'commander';
import { PROGRAM_VERSION } from '../platform/programVersion.ts';
import { addApply } from './commands/apply.ts';
import { addDoctor } from './commands/doctor.ts';
import { addGenerate } from './commands/generate.ts';
import { addHeal } from './commands/heal.ts';
import { addInspect } from './commands/inspect.ts';
import { addPerplexity } from './commands/perplexity.ts';
import { addPrune } from './commands/prune.ts';
import { addRepair } from './commands/repair.ts';
import { addReport } from './commands/report.ts';
import { addServe } from './commands/serve.ts';
import { addTrain } from './commands/train.ts';
import { addVerify } from './commands/verify.ts';
import { oneLine } from './oneLine.ts';
import { refuseRepeats } from './onceOptions.ts';

export function program(): Command {
  const root = new Command('blockpruner')
    .description('Removes the residual blocks that a transformer needs least, measured by perplexity.')
    .version(PROGRAM_VERSION)
    .option('--debug', 'show the stack of an error')
    .configureOutput({ outputError: (message, write) => write(`${oneLine(message)} (add --help for the options)\n`) })
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, optionDescription });

  addPrune(root);
  addPerplexity(root);
  addGenerate(root);
  addTrain(root);
  addRepair(root);
  addHeal(root);
  addApply(root);
  addVerify(root);
  addInspect(root);
  addReport(root);
  addServe(root);
  addDoctor(root);
  for (const command of root.commands) command.addHelpOption(help());
  refuseRepeats(root);
  // Commands made by root.command() copy its exit handling only if it was set before; it was.
  return root;
}

/** As commander words it, but for `(default: false)`: what is not given is not so. */
function optionDescription(option: Option): string {
  return new Help().optionDescription(option).replace(/ \(default: false\)$/, '');
}

/** Each command's own, in a group of its own. */
const help = (): Option => new Option('-h, --help', 'show this help').helpGroup('Other:');
