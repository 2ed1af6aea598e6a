import { Option, type Command } from 'commander';
import { pruneKinds, ratioBases } from '../../prune/candidates.ts';
import { methods } from '../../prune/methods/all.ts';
import { DEFAULT_SAVE_SECONDS } from '../../prune/pricing/walkKeeper.ts';
import { metrics } from '../../prune/lowest.ts';
import { DEFAULT_CONFIDENCE } from '../../prune/race/raceRule.ts';
import { DEFAULT_LEADERS, repairTimes } from '../../prune/repair/settings.ts';
import { repairScopes } from '../../repair/cuts.ts';
import { defaultRepair } from '../../repair/repair.ts';
import { addEvalOptions, oneMore } from '../evalOptions.ts';
import { blockList, number, percentage, seed, share, wholeNumber } from '../options.ts';
import { pruneCommand } from '../pruneCommand.ts';
import { measuresTinyModels, modelArgument } from '../tinyModels.ts';
import { addExamples } from './examples.ts';
import { addConfigOption, addModelOptions, addOutputOptions, csvOption, MODEL } from './shared.ts';

export function addPrune(root: Command): void {
  const command = root.command('prune').argument('<model>', MODEL, modelArgument);
  measuresTinyModels(addEvalOptions(command));
  command.description(
    'choose blocks by a pruning method and remove them; --out keeps a journal, so a killed run resumes',
  );
  addStopRules(command);
  addChoice(command);
  addRepairOptions(command);
  command
    .optionsGroup('Output:')
    .option(
      '--out <dir>',
      'folder for the results (default: runs/<model>-<data>-<digits>, another for every run that gives other results)',
    )
    .option(
      '--save-every <seconds>',
      'keep what is under way so often, beside the journal: a kill loses no more (less often where writing takes long)',
      number({ min: 0, above: true, max: 1e9 }),
      DEFAULT_SAVE_SECONDS,
    )
    .option('--plan', 'say what the run would take (passes, memory, time) and stop; nothing is written', false);
  addOutputOptions(command).addOption(csvOption('the steps'));
  addConfigOption(addModelOptions(command));
  command.addHelpText('after', methodsHelp()).action(pruneCommand);
  addExamples(command, [
    ['three blocks of a model that comes along', 'prune tiny:planted --blocks 3'],
    [
      'a fifth of your own model, measured on 8,192 tokens of your text (--plan says before what that takes)',
      'prune my-model --data text.txt --tokens 8192 --ratio 0.2',
    ],
    [
      'by a method that scores once, which is faster',
      'prune my-model --data text.txt --method block-influence --kind layer --blocks 2',
    ],
  ]);
}

/** When to stop removing. */
function addStopRules(command: Command): void {
  command
    .optionsGroup('Stop rules (at least one):')
    .option('--blocks <k>', 'stop when k blocks are removed', wholeNumber(0))
    .option('--ratio <r>', 'stop at the first step that has removed a share ≥ r', share)
    .addOption(
      new Option(
        '--ratio-of <what>',
        'share of all parameters (total), of block parameters (blocks) or of blocks (depth); default: total',
      ).choices([...ratioBases]),
    )
    .option('--max-ppl <p>', 'stop before a removal that takes the perplexity above p', number({ min: 1, max: 1e300 }))
    .option(
      '--max-increase <p%>',
      'stop before a removal that takes the perplexity more than p per cent above that of the whole model',
      percentage,
    );
}

/** What may be removed, and how it is chosen. */
function addChoice(command: Command): void {
  command
    .optionsGroup('Search:')
    .option(
      '--eval <file>',
      'a held-out text: every step is measured on it, nothing is chosen by it or fitted on it (may be given again)',
      oneMore,
    )
    .addOption(
      new Option('--kind <kind>', 'what may be removed: any block (mix), one kind only, or whole layers')
        .choices([...pruneKinds])
        .default('mix'),
    )
    .option('--protect <list>', 'blocks and layers that are never removed: L0.mha,L3', blockList)
    .addOption(
      new Option(
        '--metric <metric>',
        'what goes is the block with the lowest perplexity (ppl) or KL divergence from the dense model (kl)',
      )
        .choices([...metrics])
        .default('ppl'),
    )
    .option('--kl', "also show each step's KL divergence from the dense model; --metric kl always does", false)
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
    );
}

function addRepairOptions(command: Command): void {
  command
    .optionsGroup('Repair:')
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
    );
}

/** One line for each method: what it removes first, and the paper. */
function methodsHelp(): string {
  const width = Math.max(...methods.map(({ name }) => name.length));
  const lines = methods.map(({ name, summary, paper }) => {
    return `  ${name.padEnd(width)}  ${summary}${paper === null ? '' : ` [${paper}]`}`;
  });
  return `\nMethods:\n${lines.join('\n')}`;
}
