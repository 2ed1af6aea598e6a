import type { Command } from 'commander';
import { basename, join } from 'node:path';
import { conventionOf, type Convention } from '../eval/convention.ts';
import { openModel } from '../formats/openModel.ts';
import { writeModel } from '../formats/write/modelWriter.ts';
import { safetensorsWriter } from '../formats/write/safetensorsWriter.ts';
import { folderSink } from '../platform/nodeFileSink.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { prepareFolder, writeFileWhole } from '../platform/nodeFolder.ts';
import { withLock } from '../platform/nodeLock.ts';
import type { GradientBackend } from '../backends/gradients.ts';
import { parameterSource } from '../autodiff/parameters.ts';
import { prepare, type Prepared } from '../train/prepare.ts';
import { train, type Figures, type TrainEvent, type TrainSettings } from '../train/train.ts';
import { turn } from '../model/eventLoop.ts';
import { PROGRAM_VERSION } from '../platform/programVersion.ts';
import { backendWords } from './backendWords.ts';
import { keepConfig } from './config/keptConfig.ts';
import { renderLossCurve, type LossPoint } from './lossCurve.ts';
import { checkOutput } from './outputFolder.ts';
import { Terminal } from './terminal.ts';
import { trainingBackend, type TrainingBackendOptions } from './trainingBackend.ts';
import { fileCheckpoint, loadRecipe, type LoadedRecipe } from './trainingFiles.ts';
import { TrainingLog } from './trainingLog.ts';
import { figuresText, TrainingProgress } from './trainingProgress.ts';

export interface TrainCommandOptions extends TrainingBackendOptions {
  out: string;
  fresh: boolean;
  force: boolean;
  /** Steps between checkpoints. */
  checkpoint: number;
  json: boolean;
  quiet: boolean;
}

/**
 * `blockpruner train RECIPE --out DIR`: trains a model and writes config.json, model.safetensors
 * (F16) and tokenizer.json to DIR, and what the run leaves behind to DIR/training.
 */
export async function trainCommand(path: string, options: TrainCommandOptions, command: Command): Promise<void> {
  const terminal = new Terminal(options);
  const loaded = await loadRecipe(path);
  const prepared = await prepare(loaded.recipe, loaded.source, loaded.readText, nodeHasher);
  const { out, force } = options;
  await checkOutput({ folder: out, kind: 'train', reads: [path, ...loaded.files], force });
  const folder = join(out, 'training');
  await prepareFolder(folder);
  await withLock(
    join(folder, 'lock'),
    (text) => terminal.warn(text),
    async () => {
      await keepConfig(command, out, folder);
      const backend = await trainingBackend(options, loaded.recipe.kernels ?? 'plain');
      try {
        terminal.note(`backend: ${backendWords(backend.description)}`);
        const log = await runTraining(prepared, backend, folder, options, terminal);
        await writeFiles(options.out, loaded, prepared);
        const figures = await measureFiles(options.out, prepared, backend);
        const document = documentOf(path, prepared, backend, log, figures);
        await writeFileWhole(join(folder, 'training.json'), `${JSON.stringify(document, null, 2)}\n`);
        await writeFileWhole(join(folder, 'loss.svg'), renderLossCurve(stepsOf(log), lossPoints(log)));
        if (options.json) terminal.document(document);
        report(document, options.out, terminal);
      } finally {
        await backend.dispose();
      }
    },
  );
}

/** What training.json holds. */
interface TrainingDocument {
  schema: 'blockpruner.training/1';
  version: string;
  recipe: string;
  identity: string;
  settings: TrainSettings;
  backend: string;
  variant: string;
  steps: number;
  tokens: number;
  seconds: number;
  tokensPerSecond: number;
  measured: Record<string, number>[];
  figures: Figures;
  convention: Convention | null;
}

function documentOf(
  path: string,
  prepared: Prepared,
  backend: GradientBackend,
  log: TrainingLog,
  figures: Figures,
): TrainingDocument {
  const seconds = stepsOf(log).reduce((sum, line) => sum + line.seconds, 0);
  const tokens = stepsOf(log).reduce((sum, line) => sum + line.tokens, 0);
  return {
    schema: 'blockpruner.training/1',
    version: PROGRAM_VERSION,
    recipe: basename(path),
    identity: prepared.identity,
    settings: prepared.settings,
    backend: backend.description,
    variant: backend.variant,
    steps: prepared.settings.schedule.steps,
    tokens,
    seconds,
    tokensPerSecond: tokens / seconds,
    measured: measuredIn(log).map(({ step, figures: values }) => ({ step, ...values })),
    figures,
    convention: prepared.validation === null ? null : conventionOf(prepared.validation, 'f64'),
  };
}

function report(document: TrainingDocument, out: string, terminal: Terminal): void {
  const { figures, tokens, seconds } = document;
  terminal.result(`${out}: ${figuresText(figures) || 'trained'}, of the weights as stored (F16)`);
  terminal.result(
    `${document.steps} steps, ${tokens.toLocaleString('en')} tokens in ${seconds.toFixed(0)} s ` +
      `(${Math.round(tokens / seconds).toLocaleString('en')} tokens/s) on ${backendWords(document.backend)}`,
  );
  if (document.convention !== null) terminal.result(document.convention.text);
}

function stepsOf({ lines }: TrainingLog): Extract<TrainEvent, { type: 'step' }>[] {
  return lines.filter((line) => line.type === 'step');
}

function measuredIn({ lines }: TrainingLog): Extract<TrainEvent, { type: 'measured' }>[] {
  return lines.filter((line) => line.type === 'measured');
}

function lossPoints(log: TrainingLog): LossPoint[] {
  return measuredIn(log).flatMap(({ step, figures: { loss } }) => (loss === undefined ? [] : [{ step, loss }]));
}

async function runTraining(
  prepared: Prepared,
  backend: GradientBackend,
  folder: string,
  options: TrainCommandOptions,
  terminal: Terminal,
): Promise<TrainingLog> {
  const { trainee, settings, draw, measure, measureEvery, identity } = prepared;
  const progress = new TrainingProgress(terminal, options.fresh);
  const own = parameterSource('the model in training', trainee.config, trainee.parameters);
  const store = fileCheckpoint(join(folder, 'checkpoint.safetensors'), options.fresh);
  const events = train({
    backend,
    trainee,
    settings,
    draw,
    measure: measure === null ? undefined : { every: measureEvery, figures: () => measure(own, backend) },
    checkpoint: { every: options.checkpoint, store, identity, newHasher: nodeHasher },
  });
  const openLog = (step: number): Promise<TrainingLog> => {
    return TrainingLog.open(join(folder, 'log.jsonl'), step, JSON.stringify(identity), (text) => terminal.warn(text));
  };
  let log: TrainingLog | null = null;
  for await (const event of events) {
    progress.show(event);
    if (event.type === 'start') log = await openLog(event.step);
    // A finished run that is started again measures its end a second time.
    else if (event.type === 'step' || (event.type === 'measured' && !isLogged(log, event.step))) log?.add(event);
    await turn();
  }
  return log ?? openLog(0);
}

function isLogged(log: TrainingLog | null, step: number): boolean {
  return log?.lines.some((line) => line.type === 'measured' && line.step === step) ?? false;
}

async function writeFiles(out: string, { recipe }: LoadedRecipe, { trainee }: Prepared): Promise<void> {
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  const companions = new Map([
    ['config.json', json(recipe.config)],
    ['tokenizer.json', json(recipe.tokenizer)],
  ]);
  const weights = parameterSource('the trained model', trainee.config, trainee.parameters);
  await writeModel(safetensorsWriter('F16'), weights, companions, folderSink(out));
}

/** The figures of the model as it lies in the folder. */
async function measureFiles(out: string, { measure }: Prepared, backend: GradientBackend): Promise<Figures> {
  if (measure === null) return {};
  const { weights, close } = await openModel(out);
  try {
    return await measure(weights, backend);
  } finally {
    await close();
  }
}
