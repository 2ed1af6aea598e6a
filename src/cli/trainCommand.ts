import { basename, join } from 'node:path';
import { conventionOf } from '../eval/convention.ts';
import { writeModelTensors } from '../formats/huggingface/writeModel.ts';
import { openModel } from '../formats/openModel.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { prepareFolder, writeFileWhole } from '../platform/nodeFolder.ts';
import { lockFile } from '../platform/nodeLock.ts';
import type { GradientBackend } from '../backends/gradients.ts';
import { f32Parameters, parameterSource } from '../autodiff/parameters.ts';
import { prepare, type Prepared } from '../train/prepare.ts';
import { train, type Figures } from '../train/train.ts';
import { turn } from '../model/eventLoop.ts';
import { programVersion } from '../platform/nodeMachine.ts';
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
export async function trainCommand(path: string, options: TrainCommandOptions): Promise<void> {
  const terminal = new Terminal(options);
  const loaded = await loadRecipe(path);
  const prepared = await prepare(loaded.recipe, loaded.source, loaded.readText, nodeHasher);
  const { out, force } = options;
  await checkOutput({ folder: out, kind: 'train', reads: [path, ...loaded.files], force });
  const folder = join(out, 'training');
  await prepareFolder(folder);
  const unlock = await lockFile(join(folder, 'lock'), (text) => terminal.warn(text));
  const backend = await trainingBackend(options, loaded.recipe.kernels ?? 'plain').catch(async (error: unknown) => {
    await unlock();
    throw error;
  });
  try {
    terminal.note(`backend: ${backend.description}`);
    const log = await runTraining(prepared, backend, folder, options, terminal);
    await writeModel(options.out, loaded, prepared);
    const figures = await measureFiles(options.out, prepared, backend);
    const steps = log.lines.filter((line) => line.type === 'step');
    const seconds = steps.reduce((sum, line) => sum + line.seconds, 0);
    const tokens = steps.reduce((sum, line) => sum + line.tokens, 0);
    const measured = log.lines.filter((line) => line.type === 'measured');
    const document = {
      schema: 'blockpruner.training/1',
      version: programVersion(),
      recipe: basename(path),
      identity: prepared.identity,
      settings: prepared.settings,
      backend: backend.description,
      variant: backend.variant,
      steps: prepared.settings.schedule.steps,
      tokens,
      seconds,
      tokensPerSecond: tokens / seconds,
      measured: measured.map(({ step, figures: values }) => ({ step, ...values })),
      figures,
      convention: prepared.validation === null ? null : conventionOf(prepared.validation, 'f64'),
    };
    await writeFileWhole(join(folder, 'training.json'), `${JSON.stringify(document, null, 2)}\n`);
    const validation = measured.flatMap(({ step, figures: { loss } }): LossPoint[] =>
      loss === undefined ? [] : [{ step, loss }],
    );
    await writeFileWhole(join(folder, 'loss.svg'), renderLossCurve(steps, validation));
    if (options.json) terminal.document(document);
    terminal.result(`${options.out}: ${figuresText(figures) || 'trained'}, of the weights as stored (F16)`);
    terminal.result(
      `${document.steps} steps, ${tokens.toLocaleString('en')} tokens in ${seconds.toFixed(0)} s ` +
        `(${Math.round(tokens / seconds).toLocaleString('en')} tokens/s) on ${backend.description}`,
    );
    if (document.convention !== null) terminal.result(document.convention.text);
  } finally {
    await backend.dispose();
    await unlock();
  }
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

async function writeModel(out: string, { recipe }: LoadedRecipe, { trainee }: Prepared): Promise<void> {
  await writeFileWhole(join(out, 'config.json'), `${JSON.stringify(recipe.config, null, 2)}\n`);
  await writeFileWhole(join(out, 'tokenizer.json'), `${JSON.stringify(recipe.tokenizer, null, 2)}\n`);
  const bytes = writeModelTensors(trainee.config, f32Parameters(trainee.parameters), 'F16');
  await writeFileWhole(join(out, 'model.safetensors'), bytes);
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
