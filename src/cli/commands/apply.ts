import { Option, type Command } from 'commander';
import { writtenTypes } from '../../formats/gguf/quantize.ts';
import { applyCommand } from '../applyCommand.ts';
import { wholeNumber } from '../options.ts';
import { modelArgument } from '../tinyModels.ts';
import { addExamples } from './examples.ts';
import { addModelOptions, MASK, RUN, STEP } from './shared.ts';

export function addApply(root: Command): void {
  const command = root.command('apply').argument('<model>', 'a .gguf file, or its id on the hub', modelArgument);
  command
    .description('write the model without its removed blocks, as a GGUF file that llama.cpp and Ollama run')
    .optionsGroup('Blocks:')
    .option('--run <dir>', RUN)
    .option('--step <k>', STEP, wholeNumber(1))
    .option('--mask <blocks>', MASK)
    .optionsGroup('Output:')
    .requiredOption('--out <file>', 'the file to write, NAME.gguf')
    .addOption(
      new Option(
        '--quantize <type>',
        'store matrices as this type (default: as they are stored; rewritten ones as Q8_0 or the type of the others)',
      ).choices([...writtenTypes]),
    )
    .option('--force', 'replace --out if it is there', false)
    .option('--json', 'print one JSON document and nothing else', false)
    .option('--quiet', 'print no notes', false);
  addModelOptions(command).action(applyCommand);
  addExamples(command, [
    ['what a run removed, and its repair if it has one', 'apply my-model.gguf --run runs/mine --out pruned.gguf'],
    ['two blocks, by name', 'apply my-model.gguf --mask L5.mlp,L4.mha --out smaller.gguf'],
  ]);
}
