/** The command line: commands and options, one place to read them all. */
import { Command, Option } from 'commander';
import { gpuModes } from '../backends/gpu/gpuMode.ts';
import { backendNames } from '../backends/select.ts';
import { pruneKinds, ratioBases } from '../prune/candidates.ts';
import { methods } from '../prune/methods/all.ts';
import { DEFAULT_CONFIDENCE } from '../prune/race/raceRule.ts';
import { DEFAULT_LEADERS, repairTimes } from '../prune/repair/settings.ts';
import { repairScopes } from '../repair/cuts.ts';
import { repairForms } from '../repair/fit.ts';
import { defaultRepair } from '../repair/repair.ts';
import { defaultHealing } from '../train/healRun.ts';
import { doctorCommand } from './doctorCommand.ts';
import { MAX_THREADS } from '../platform/nodeMachine.ts';
import { PROGRAM_VERSION } from '../platform/programVersion.ts';
import { addEvalOptions, oneMore } from './evalOptions.ts';
import { generateCommand } from './generateCommand.ts';
import { healCommand } from './healCommand.ts';
import { inspectCommand } from './inspectCommand.ts';
import { refuseRepeats } from './onceOptions.ts';
import { laneCount, memorySize, number, ridgeList, seed, wholeNumber } from './options.ts';
import { oneLine } from './oneLine.ts';
import { perplexityCommand } from './perplexityCommand.ts';
import { pruneCommand } from './pruneCommand.ts';
import { repairCommand } from './repairCommand.ts';
import { measuresTinyModels, modelArgument } from './tinyModels.ts';
import { trainCommand } from './trainCommand.ts';
import { trainingBackends } from './trainingBackend.ts';

const MODEL = 'a model folder, a .gguf file, a hub id (owner/name), or tiny:planted, which comes along';
const MASK = 'blocks to switch off: L5.mlp,L4.mha, or a del_order_list.json[@step]';
const RUN = 'a folder that prune or repair wrote: its removed blocks, and its repair if it has one';
const STEP = 'for --run: what was removed by this step (default: the last)';
const FORCE = 'replace files in --out even if no earlier run wrote them';

export function program(): Command {
  const root = new Command('blockpruner')
    .description('Removes the residual blocks that a transformer needs least, measured by perplexity.')
    .version(PROGRAM_VERSION)
    .option('--debug', 'show the stack of an error')
    .configureOutput({ outputError: (message, write) => write(`${oneLine(message)} (add --help for the options)\n`) })
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });

  addPrune(root);
  addPerplexity(root);
  addGenerate(root);
  addTrain(root);
  addRepair(root);
  addHeal(root);
  addInspect(root);
  addDoctor(root);
  refuseRepeats(root);
  // Commands made by root.command() copy its exit handling only if it was set before; it was.
  return root;
}

function addPrune(root: Command): void {
  addModelOptions(measuresTinyModels(addEvalOptions(root.command('prune').argument('<model>', MODEL, modelArgument))))
    .description('choose blocks by a pruning method and remove them; --out keeps a journal, so a killed run resumes')
    .option('--blocks <k>', 'stop when k blocks are removed', wholeNumber(0))
    .option(
      '--ratio <r>',
      'stop at the first step that has removed a share ≥ r',
      number({ min: 0, above: true, max: 1, below: true }),
    )
    .addOption(
      new Option(
        '--ratio-of <what>',
        'share of all parameters (total), of block parameters (blocks) or of blocks (depth); default: total',
      ).choices([...ratioBases]),
    )
    .option('--max-ppl <p>', 'stop before a removal that takes the perplexity above p', number({ min: 1, max: 1e300 }))
    .addOption(
      new Option('--kind <kind>', 'what may be removed: any block (mix), one kind only, or whole layers')
        .choices([...pruneKinds])
        .default('mix'),
    )
    .option('--method <name>', 'how blocks are chosen (see below), or your own module: ./mine.ts', 'blockpruner')
    .option('--plus', 'for methods that score once (all but blockpruner): never remove layers 0-3 or the last two')
    .option('--set <list>', "settings for your own method: 'alpha=0.5,greedy=true'")
    .addOption(
      new Option('--search <mode>', 'exact measures every candidate on all chunks; race drops clear losers early')
        .choices(['exact', 'race'])
        .default('exact'),
    )
    .option(
      '--confidence <c>',
      "for --search race: the probability that a step's pick is the exact one",
      number({ min: 0.5, max: 1, below: true }),
      DEFAULT_CONFIDENCE,
    )
    .option(
      '--seed <n>',
      'seed for what is drawn: --sample windows, the order of chunks in a race, --method random (default: 0)',
      seed,
    )
    .addOption(
      new Option(
        '--repair <when>',
        'refit kept output matrices by least squares: of the result (end), or also in each step, whose choice is then made by prices after repair (each)',
      ).choices([...repairTimes]),
    )
    .option(
      '--leaders <k>',
      `for --repair each: candidates that are repaired in a step, lowest plain price first (default: ${DEFAULT_LEADERS})`,
      wholeNumber(1),
    )
    .addOption(
      new Option(
        '--repair-scope <scope>',
        `for --repair: refit every kept block (all) or the last before each cut (cuts); default: ${defaultRepair.scope}`,
      ).choices([...repairScopes]),
    )
    .option(
      '--eval <file>',
      'for --repair: a text to measure on, dense, pruned and repaired; nothing is fitted on it (may be given again)',
      oneMore,
    )
    .option('--out <dir>', 'folder for the results (default: runs/<model>-<data>-<digits that tell paths apart>)')
    .option('--fresh', 'start over, discarding what an earlier run left in --out', false)
    .option('--force', FORCE, false)
    .option('--json', 'print the result document and nothing else', false)
    .option('--quiet', 'print no progress', false)
    .addHelpText('after', methodsHelp())
    .action(pruneCommand);
}

/** One line for each method: what it removes first, and the paper. */
function methodsHelp(): string {
  const width = Math.max(...methods.map(({ name }) => name.length));
  const lines = methods.map(({ name, summary, paper }) => {
    return `  ${name.padEnd(width)}  ${summary}${paper === null ? '' : ` [${paper}]`}`;
  });
  return `\nMethods:\n${lines.join('\n')}`;
}

function addPerplexity(root: Command): void {
  addModelOptions(
    measuresTinyModels(addEvalOptions(root.command('perplexity').argument('<model>', MODEL, modelArgument))),
  )
    .description('measure perplexity, with blocks switched off if asked')
    .option('--mask <blocks>', MASK)
    .option('--run <dir>', RUN)
    .option('--step <k>', STEP, wholeNumber(1))
    .option('--json', 'print one JSON document and nothing else', false)
    .option('--quiet', 'print no progress', false)
    .option('--seed <n>', 'seed for the windows that --sample draws (default: 0)', seed)
    .action(perplexityCommand);
}

function addGenerate(root: Command): void {
  addModelOptions(root.command('generate').argument('<model>', MODEL, modelArgument))
    .description('continue a text, with blocks switched off if asked')
    .requiredOption('--prompt <text>', 'the text to continue')
    .option('--mask <blocks>', MASK)
    .option('--run <dir>', RUN)
    .option('--step <k>', STEP, wholeNumber(1))
    .option('--max-tokens <n>', 'maximum number of new tokens', wholeNumber(1), 64)
    .option('--temperature <t>', '0 takes the likeliest token', number({ min: 0, max: 1000 }), 0)
    .option('--top-k <k>', 'sample from the k likeliest tokens; 0 = all', wholeNumber(0), 0)
    .option(
      '--top-p <p>',
      'sample from the likeliest tokens whose probabilities add up to p',
      number({ min: 0, above: true, max: 1 }),
      1,
    )
    .option('--seed <n>', 'seed for sampling', seed, 0)
    .option('--json', 'print one JSON document and nothing else', false)
    .option('--quiet', 'print no notes', false)
    .action(generateCommand);
}

function addTrain(root: Command): void {
  addTrainingOptions(root.command('train').argument('<recipe>', 'a module that exports `recipe`, or a .json file'))
    .description('train a model as a recipe says; a killed run resumes')
    .requiredOption('--out <dir>', "folder for the model; the run's own files go to training/ in it")
    .option('--checkpoint <n>', 'steps between checkpoints', wholeNumber(1), 200)
    .action(trainCommand);
}

function addRepair(root: Command): void {
  addModelOptions(addEvalOptions(root.command('repair').argument('<model>', MODEL, modelArgument)))
    .description('refit what a pruning left, by least squares towards the whole model on --data; no training')
    .option('--run <dir>', 'a folder that prune wrote: the blocks it removed')
    .option('--step <k>', STEP, wholeNumber(1))
    .option('--mask <blocks>', 'the removed blocks, instead of --run')
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
    .option(
      '--eval <file>',
      'a text to measure on, before and after; nothing is fitted on it (may be given again)',
      oneMore,
    )
    .option('--out <dir>', 'folder for the repair (default: repaired/ in --run)')
    .option('--write <dir>', 'write the repaired model there as well, as a folder that other programs load')
    .option('--fresh', 'start over, discarding what an earlier run left in --out', false)
    .option('--force', FORCE, false)
    .option('--json', 'print the result document and nothing else', false)
    .option('--quiet', 'print no progress', false)
    .action(repairCommand);
}

function addHeal(root: Command): void {
  addTrainingOptions(
    addEvalOptions(
      root.command('heal').argument('<model>', 'a folder with config.json and safetensors', modelArgument),
    ),
  )
    .description('train low-rank adapters (LoRA) on a pruned model (text: --data), merge them, and measure on --valid')
    .requiredOption('--valid <file>', 'text to measure perplexity on, other than --data')
    .option('--run <dir>', RUN)
    .option('--step <k>', STEP, wholeNumber(1))
    .option('--mask <blocks>', 'the removed blocks, instead of --run')
    .option('--out <dir>', 'folder for the healed model (default: healed/ in --run)')
    .option('--steps <n>', 'training steps', wholeNumber(1), defaultHealing.steps)
    .option('--rank <r>', 'rank of the adapters', wholeNumber(1, 4096), defaultHealing.rank)
    .option(
      '--alpha <a>',
      'adapters are scaled by alpha / rank',
      number({ min: 0, above: true, max: 1e6 }),
      defaultHealing.alpha,
    )
    .option(
      '--lr <rate>',
      'learning rate at the start; it falls linearly to 0',
      number({ min: 0, above: true, max: 10 }),
      defaultHealing.lr,
    )
    .option('--seq-len <n>', "tokens per training sequence (default: 512 or the model's context)", wholeNumber(2))
    .option('--sequences <n>', 'sequences per batch', wholeNumber(1, 65_536), defaultHealing.sequences)
    .option('--accumulate <n>', 'batches per step', wholeNumber(1, 65_536), defaultHealing.accumulate)
    .option(
      '--seed <n>',
      'seed for the adapters, the order of the data, and --sample windows',
      seed,
      defaultHealing.seed,
    )
    .action(healCommand);
}

function addInspect(root: Command): void {
  addHubOptions(root.command('inspect').argument('<model>', MODEL, modelArgument))
    .description('show the config and the size of every block')
    .option('--json', 'print one JSON document', false)
    .action(inspectCommand);
}

function addDoctor(root: Command): void {
  root
    .command('doctor')
    .description('show what this machine offers and which backend would run')
    .option('--json', 'print one JSON document', false)
    .action(doctorCommand);
}

function addModelOptions(command: Command): Command {
  return addHubOptions(command)
    .addOption(new Option('--backend <name>', 'backend to run on').choices([...backendNames]).default('auto'))
    .addOption(new Option('--gpu-mode <mode>', 'for --backend gpu: how gpu.js runs').choices([...gpuModes]))
    .option('--threads <n>', 'threads (default: all cores)', wholeNumber(1, MAX_THREADS))
    .option('--lanes <n>', 'f32 lanes per vector, 4 or 8 (default: whichever is faster here; same results)', laneCount)
    .option('--memory <size>', 'memory for weights and activations, such as 2GB', memorySize);
}

function addTrainingOptions(command: Command): Command {
  return command
    .addOption(new Option('--backend <name>', 'backend to run on').choices([...trainingBackends]).default('simd'))
    .option('--threads <n>', 'threads (default: all cores)', wholeNumber(1, MAX_THREADS))
    .option('--memory <size>', 'memory for weights and activations, such as 2GB', memorySize)
    .option('--fresh', 'start over, discarding what an earlier run left in --out', false)
    .option('--force', FORCE, false)
    .option('--json', 'print one JSON document and nothing else', false)
    .option('--quiet', 'print no progress', false);
}

function addHubOptions(command: Command): Command {
  return command
    .option('--hub', 'take the model as a hub id, even without an owner (gpt2) or if a local path has that name')
    .option('--offline', 'use cached hub files only')
    .option('--revision <rev>', 'hub revision: a branch, tag or commit');
}
