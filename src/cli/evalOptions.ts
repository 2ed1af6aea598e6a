/** The options that say how perplexity is taken, shared by prune and perplexity. */
import { Option, type Command } from 'commander';
import { UsageError } from '../errors.ts';
import type { BosPolicy } from '../eval/bos.ts';
import { chunkTokens, defaultEvalSettings, readingOf, type Chunks, type EvalSettings } from '../eval/chunks.ts';
import type { NllSum } from '../ops/nll.ts';
import { dataEndings, dataName, fileName } from '../eval/dataForm.ts';
import { lineEnds, type LineEnds } from '../eval/lineEnds.ts';
import { conventionNames, type ConventionName } from '../eval/namedConvention.ts';
import { checkSample, sampleSources, type SampleSource } from '../eval/windows.ts';
import { readTokens, type TokenData } from '../eval/tokenData.ts';
import { textPieces } from '../platform/textPieces.ts';
import type { EvalText } from '../prune/evaluation.ts';
import type { OpenedModel } from '../formats/openModel.ts';
import { chatRenderer } from '../formats/chatTemplate.ts';
import { textTokenizer } from '../formats/textTokenizer.ts';
import { interruptible } from './interruptible.ts';
import { escapesRead, tokenCount, wholeNumber } from './options.ts';
import type { Terminal } from './terminal.ts';

export interface EvalOptions {
  /** Files, joined in this order. */
  data: string[];
  field: string;
  /** Default: the paper's. */
  convention?: ConventionName;
  /** Default: all of them, for `prune` `DEFAULT_TOKENS`. */
  tokens?: number | 'all';
  chunk?: number;
  stride?: number;
  bos: BosPolicy;
  join: string;
  newlines?: LineEnds;
  sample?: number;
  sampleFrom?: SampleSource;
  /** Of the windows that --sample draws; default 0. */
  seed?: number;
  nllSum: NllSum;
}

/** What is measured on, and how. */
export function addEvalOptions(command: Command): Command {
  command
    .optionsGroup('Data:')
    .requiredOption(
      '--data <file>',
      `text, rows or token ids: ${dataEndings}; give it again for each further file`,
      oneMore,
    )
    .option('--field <name>', "column of a .csv or .tsv, or path of a JSON row's field (a.b)", 'text')
    .option('--tokens <n>', 'keep the first n tokens; all = the whole text', tokenCount)
    .option(
      '--sample <n>',
      'draw n windows of --chunk tokens at random (--seed) instead of all chunks, as Wanda and GPTQ do',
      wholeNumber(1, 1_000_000),
    )
    .addOption(
      new Option(
        '--sample-from <what>',
        'stream: a window starts anywhere in the joined text (default); document: inside one text',
      ).choices([...sampleSources]),
    )
    .option('--join <text>', 'text put between texts, rows and files (\\n is a newline)', '\\n\\n')
    .addOption(
      new Option('--newlines <how>', 'line ends in texts: keep them, or read CRLF and CR as lf')
        .choices([...lineEnds])
        .default('keep'),
    );
  return command
    .optionsGroup('Measuring:')
    .addOption(
      new Option(
        '--convention <name>',
        'how perplexity is taken: whose figures it compares with (docs/guide/figures.md)',
      )
        .choices([...conventionNames])
        .default('paper'),
    )
    .option(
      '--chunk <n>',
      "tokens per chunk (default: 2048, for llama.cpp 512, or the model's context)",
      wholeNumber(2),
    )
    .option(
      '--stride <n>',
      "tokens from one chunk's start to the next (default: --chunk, for hf-stride half of it)",
      wholeNumber(1),
    )
    .addOption(
      new Option('--bos <policy>', 'where to add a start-of-text token (BOS); auto = as the tokenizer does')
        .choices(['auto', 'none', 'stream', 'chunk'])
        .default('auto'),
    )
    .addOption(
      new Option('--nll-sum <type>', 'precision of the sum over the vocabulary; f32 = as in the official code on a CPU')
        .choices(['f64', 'f32'])
        .default('f64'),
    );
}

/** The reader of an option that may be given more than once: all its values, in order. */
export function oneMore(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Reads the data as far as --tokens needs it and cuts it into chunks for the model. */
export async function loadChunks(options: EvalOptions, opened: OpenedModel, terminal?: Terminal): Promise<Chunks> {
  const settings = evalSettings(options);
  const data = await readDataFile(options, opened, settings, terminal);
  return chunkTokens(dataName(options.data), data, opened.weights.config, opened.tokenizer, settings);
}

/** The text of `--eval`, cut as the calibration text is; undefined without one. */
export async function loadEvaluation(
  options: EvalOptions & { eval?: string[] },
  opened: OpenedModel,
  terminal: Terminal,
): Promise<EvalText | undefined> {
  if (options.eval === undefined) return undefined;
  const chunks = await loadChunks({ ...options, data: options.eval }, opened, terminal);
  return { name: dataName(options.eval), chunks };
}

/** @throws UsageError for options of a sample without one, or that do not go with it. */
function evalSettings(options: EvalOptions): EvalSettings {
  const { convention = defaultEvalSettings.convention } = options;
  const { chunk = null, stride = null, tokens = 'all', bos, newlines = 'keep', sampleFrom, seed = 0 } = options;
  if (options.sample === undefined && sampleFrom !== undefined) {
    throw new UsageError('--sample-from goes with --sample.');
  }
  const sample = options.sample === undefined ? null : { windows: options.sample, seed, from: sampleFrom ?? 'stream' };
  checkSample(sample, stride, convention);
  const most = tokens === 'all' ? null : tokens;
  return { convention, chunk, stride, bos, join: joinText(options), tokens: most, newlines, sample };
}

/**
 * Token ids of the data; says what is peculiar about the text.
 * @param evaluation how far they are needed, and whether each text is tokenised on its own;
 * null = all of it.
 */
export async function readDataFile(
  options: Pick<EvalOptions, 'data' | 'field' | 'join' | 'newlines'>,
  opened: OpenedModel,
  evaluation: EvalSettings | null,
  terminal?: Terminal,
): Promise<TokenData> {
  const { data: paths, field } = options;
  const files = paths.map((path) => ({ name: path, pieces: textPieces(path), field }));
  const settings = {
    join: joinText(options),
    newlines: options.newlines,
    ...(evaluation === null ? {} : readingOf(evaluation)),
    renderChat: chatRenderer(opened),
    encodeNow: interruptible,
  };
  const data = await readTokens(files, (path) => textTokenizer(opened, fileName(path)), settings);
  for (const note of data.notes) terminal?.warn(paths.length === 1 ? `${fileName(paths[0])}: ${note}` : note);
  return data;
}

/** What stands between rows. */
export function joinText({ join }: Pick<EvalOptions, 'join'>): string {
  return escapesRead(join);
}
