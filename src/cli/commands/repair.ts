import { Option, type Command } from 'commander';
import { repairScopes } from '../../repair/cuts.ts';
import { repairForms } from '../../repair/fit.ts';
import { defaultRepair } from '../../repair/repair.ts';
import { addEvalOptions, oneMore } from '../evalOptions.ts';
import { ridgeList, wholeNumber } from '../options.ts';
import { repairCommand } from '../repairCommand.ts';
import { modelArgument } from '../tinyModels.ts';
import { addExamples } from './examples.ts';
import { addConfigOption, addModelOptions, addOutputOptions, MODEL, STEP } from './shared.ts';

export function addRepair(root: Command): void {
  const command = root.command('repair').argument('<model>', MODEL, modelArgument);
  addEvalOptions(command)
    .description('refit what a pruning left, by least squares towards the whole model on --data; no training')
    .optionsGroup('Measuring:')
    .option(
      '--eval <file>',
      'a text to measure on, before and after; nothing is fitted on it (may be given again)',
      oneMore,
    )
    .optionsGroup('Blocks:')
    .option('--run <dir>', 'a folder that prune wrote: the blocks it removed')
    .option('--step <k>', STEP, wholeNumber(1))
    .option('--mask <blocks>', 'the removed blocks, instead of --run')
    .optionsGroup('Repair:')
    .addOption(
      new Option(
        '--scope <scope>',
        `refit every kept block (all), or only the last before each cut (cuts); default: ${defaultRepair.scope}`,
      ).choices([...repairScopes]),
    )
    .addOption(
      new Option('--form <form>', 'refit: any change of an output matrix; replaceme, scale: as papers have it')
        .choices([...repairForms])
        .default(defaultRepair.form),
    )
    .option(
      '--ridge <list>',
      `ridge factors to choose from on held-out chunks (default: ${defaultRepair.factors.join(',')})`,
      ridgeList,
    )
    .optionsGroup('Output:')
    .option('--out <dir>', 'folder for the repair (default: repaired/ in --run)')
    .option('--write <dir>', 'write the repaired model there as well, as a folder that other programs load');
  addConfigOption(addModelOptions(addOutputOptions(command))).action(repairCommand);
  addExamples(command, [
    ['what `prune … --out runs/first` left', 'repair my-model --data text.txt --run runs/first'],
    [
      'and write the repaired model for other programs',
      'repair my-model --data text.txt --run runs/first --write smaller-model',
    ],
  ]);
}
