/** With which options a run was made, as far as they say what its figures were taken on. */
import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { quoted } from '../../formats/quoted.ts';
import { withConfig } from '../config/configWords.ts';
import { KEPT_CONFIG } from '../config/keptConfig.ts';
import { readConfig } from '../config/readConfig.ts';
import type { EvalOptions } from '../evalOptions.ts';
import type { ModelOptions } from '../openRun.ts';
import { modelArgument, tinyData } from '../tinyModels.ts';
import type { Recorded } from './recorded.ts';

export interface RunSettings {
  /** As the command takes it. */
  readonly model: string;
  readonly options: ModelOptions & EvalOptions;
}

/** What verify itself was given; what is not given comes from the run. */
export interface GivenOptions extends ModelOptions {
  model?: string;
  data?: string[];
  field?: string;
  tokens?: number;
}

/**
 * The run's own options from its run.json, and where there is none those that its document tells.
 * What was given comes first.
 * @param command verify's, whose siblings read the options.
 * @throws UsageError where neither says which model, or which text.
 */
export async function runSettings(run: string, recorded: Recorded, command: Command): Promise<RunSettings> {
  const kept = await keptOptions(join(run, KEPT_CONFIG), command.parent?.commands ?? []);
  const { model: givenModel, ...given } = givenOptions(command);
  const model = givenModel ?? kept?.model;
  if (model === undefined) throw missing(run, 'model', '--model');
  const data = given.data ?? kept?.options.data ?? tinyTexts(model);
  if (data === undefined) throw missing(run, 'text', '--data');
  const options = { ...toldOptions(recorded), ...command.opts<ModelOptions>(), ...kept?.options, ...given, data };
  return { model: modelArgument(model), options };
}

function missing(run: string, what: string, option: string): UsageError {
  return new UsageError(`does not say where its ${what} is: it has no ${KEPT_CONFIG}.`, {
    where: run,
    remedy: `Give ${option}.`,
  });
}

function tinyTexts(model: string): string[] | undefined {
  const path = tinyData(model);
  return path === null ? undefined : [path];
}

/** The options that were typed. */
function givenOptions(command: Command): Partial<GivenOptions> {
  const all = Object.entries(command.opts<Record<string, unknown>>());
  return Object.fromEntries(all.filter(([name]) => command.getOptionValueSource(name) === 'cli'));
}

/** As the command that wrote it reads it; null where there is no such file. */
async function keptOptions(
  path: string,
  commands: readonly Command[],
): Promise<{ model: string; options: ModelOptions & EvalOptions } | null> {
  if (!existsSync(path)) return null;
  const { command: name } = (await readConfig(path)).values;
  const command = commands.find((one) => one.name() === name);
  if (command === undefined || !['prune', 'repair'].includes(command.name())) {
    throw new UsageError(`is of no run by prune or repair, but of ${quoted(String(name))}.`, { where: path });
  }
  const words = await withConfig([command.name(), `--config=${path}`], commands);
  // The file itself is read already.
  const { operands } = command.parseOptions(words.slice(1, -1));
  return { model: operands[0], options: command.opts<ModelOptions & EvalOptions>() };
}

/** How the document says that perplexity was taken. */
function toldOptions({ convention }: Recorded): Omit<EvalOptions, 'data'> {
  const { name = 'paper', chunk, stride, bos, join: between, newlines, sample, nllSum } = convention;
  return {
    field: 'text',
    convention: name,
    chunk,
    stride: stride === chunk ? undefined : stride,
    bos: bos === 'none' || bos === 'stream' || bos === 'chunk' ? bos : 'auto',
    join: between,
    newlines,
    sample: sample?.windows,
    sampleFrom: sample?.from,
    seed: sample?.seed,
    nllSum,
  };
}
