/** Options that several commands share, and their words. */
import { Option, type Command } from 'commander';
import { gpuModes } from '../../backends/gpu/gpuMode.ts';
import { backendNames } from '../../backends/select.ts';
import { MAX_THREADS } from '../../platform/nodeMachine.ts';
import { laneCount, memorySize, wholeNumber } from '../options.ts';
import { trainingBackends } from '../trainingBackend.ts';

/** A command's `<model>`. */
export const MODEL = 'a model folder, a .gguf file, a hub id (owner/name), or tiny:planted, which comes along';
export const MASK = 'blocks to switch off: L5.mlp,L4.mha, or a del_order_list.json[@step]';
export const RUN = 'a folder that prune or repair wrote: its removed blocks, and its repair if it has one';
export const STEP = 'for --run: what was removed by this step (default: the last)';

/** Where a model comes from, and how it runs. */
export function addModelOptions(command: Command): Command {
  return addHubOptions(command)
    .optionsGroup('Machine:')
    .addOption(new Option('--backend <name>', 'backend to run on').choices([...backendNames]).default('auto'))
    .addOption(new Option('--gpu-mode <mode>', 'for --backend gpu: how gpu.js runs').choices([...gpuModes]))
    .option('--threads <n>', 'threads (default: all cores)', wholeNumber(1, MAX_THREADS))
    .option('--lanes <n>', 'f32 lanes per vector, 4 or 8 (default: whichever is faster here; same results)', laneCount)
    .option('--memory <size>', 'memory for weights and activations, such as 2GB', memorySize);
}

/** What `train` and `heal` share. */
export function addTrainingOptions(command: Command): Command {
  addOutputOptions(command);
  return command
    .optionsGroup('Machine:')
    .addOption(new Option('--backend <name>', 'backend to run on').choices([...trainingBackends]).default('simd'))
    .option('--threads <n>', 'threads (default: all cores)', wholeNumber(1, MAX_THREADS))
    .option('--memory <size>', 'memory for weights and activations, such as 2GB', memorySize);
}

/** What happens to --out, and what is shown. */
export function addOutputOptions(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .option('--fresh', 'start over, discarding what an earlier run left in --out', false)
    .option('--force', 'replace files in --out even if no earlier run wrote them', false)
    .option('--json', 'print one JSON document and nothing else', false)
    .option('--quiet', 'print no progress', false);
}

/** Where a model comes from. */
export function addHubOptions(command: Command): Command {
  return command
    .optionsGroup('Model:')
    .option('--hub', 'take the model as a hub id, even without an owner (gpt2) or if a local path has that name')
    .option('--offline', 'use cached hub files only')
    .option('--revision <rev>', 'hub revision: a branch, tag or commit');
}

/** A table beside `--json`, in place of it. */
export function csvOption(what: string): Option {
  return new Option('--csv', `print ${what} as CSV and nothing else`).conflicts('json');
}

/** Lets options be given in a file. */
export function addConfigOption(command: Command): Command {
  return command
    .optionsGroup('Other:')
    .option(
      '--config <file>',
      `options from a .yaml or .json file (keys are options without --, and ${command.registeredArguments[0].name()}); those given here win`,
    );
}
