/**
 * blockpruner's public surface; everything else may change between versions.
 *
 *   const model = await load('tiny-models/planted');
 *   const { ppl } = await model.perplexity('a text', { mask: 'L3.mha,L4.mha' });
 *   const run = model.prune({ data: 'a text', blocks: 4 });
 *   for await (const event of run) if (event.type === 'step') console.log(event.removed?.name);
 *   const page = renderReport(await run);
 *   await model.close();
 *
 * `load` is the whole; the pieces it is made of follow, for programs that put them together anew.
 */

// The facade
export { load, type LoadSettings } from './library/load.ts';
export type {
  BackendSettings,
  BlobContent,
  CallSettings,
  Data,
  DataFile,
  EvaluationSettings,
  GenerateSettings,
  HealResult,
  HealSettings,
  MaskLike,
  Model,
  ModelTokenizer,
  PerplexityResult,
  PerplexitySettings,
  PruneEvent,
  PruneSettings,
  RepairEvent,
  RepairResult,
  RepairSettings,
  Run,
  Signal,
  TextRun,
} from './library/model.ts';

export type { PlannedStep, RunPlan } from './prune/cost/planTypes.ts';

// Models
export { openModel, type OpenedModel } from './formats/openModel.ts';
export { Transformer } from './model/transformer.ts';
export type { Tap } from './model/tap.ts';
export { generate, type GenerateOptions, type GenerationEnd } from './model/generate.ts';
export { complete, encodePrompt, type Completion, type Prompt } from './model/completion.ts';
export { textTokenizer } from './formats/textTokenizer.ts';
export { greedy, type SamplingSettings } from './model/sampler.ts';
export { formatBlock, parseBlock, type BlockId, type BlockKind } from './model/blockId.ts';
export { Mask } from './model/mask.ts';
export { walkOf } from './model/walk.ts';
export { edited, type Edit, type NewLayer } from './model/edit.ts';
export { countParameters, type ParameterCounts } from './model/parameters.ts';
export type { FamilyName, LayerSpec, MhaSpec, MlpSpec, ModelConfig } from './model/config.ts';
export type { TensorInfo, WeightSource } from './model/weights.ts';
export type { Tokenizer } from './tokenizer/tokenizer.ts';

// Backends
export { backendNames, selectBackend, type BackendName, type BackendRequest } from './backends/select.ts';
export { nodeSpawnWorker } from './platform/nodeThreads.ts';
export { nodeWidenVectors } from './platform/nodeVectors.ts';
export { offerWebGpu } from './platform/nodeWebGpu.ts';
export type { GpuMode } from './backends/gpu/gpuMode.ts';
export type { Backend, DeviceTensor, LinearWeight, NllSum, Ops, Scope, Statistics } from './backends/backend.ts';

// Model, backend and memory together
export { openSession, type Session, type SessionOptions } from './session/session.ts';
export type { MemoryRemedy, Workload } from './session/memoryPlan.ts';

// Perplexity
export type { BosPolicy } from './eval/bos.ts';
export { chunkData, defaultEvalSettings, type Chunks, type EvalSettings } from './eval/chunks.ts';
export { conventionNames, type ConventionName } from './eval/namedConvention.ts';
export { pairedDifference, type PairedDifference } from './eval/paired.ts';
export { parseData, type RawData } from './eval/textData.ts';
export { aggregate, perplexity, scoreChunk, type ChunkScore, type Perplexity } from './eval/perplexity.ts';
export { logLikelihoods, type Continuation, type Likelihood } from './eval/likelihood.ts';
export { conventionOf, type Convention, type DataSummary } from './eval/convention.ts';

// Pruning
export { run, type RunOptions } from './prune/run.ts';
export type { BlockScore, Budget, Method, MethodEvent, Need, Subject, Telling } from './prune/method.ts';
export type { Kept } from './prune/journalPiece.ts';
export { methods, requireMethod } from './prune/methods/all.ts';
export { rankingMethod, type Plus, type Ranking } from './prune/methods/ranking.ts';
export { readSettings } from './prune/methods/settings.ts';
export { plainSearch, type PlainStep } from './prune/plainSearch.ts';
export { plainSweep } from './prune/plainSweep.ts';
export { search, type SearchSettings } from './prune/search.ts';
export type { SearchInput } from './prune/measureStep.ts';
export { localPricer, type LocalPricerOptions } from './prune/pricing/localPricer.ts';
export type { Priced, Pricer, PricingJob } from './prune/pricing/pricer.ts';
export type { ScoredCandidate, SearchEvent, StepEvent, StoppedBy } from './prune/events.ts';
export type { SweepProgress } from './prune/pricing/course.ts';
export type { HeadFigures } from './model/head.ts';
export { sweep, type SweepResult } from './prune/pricing/sweep.ts';
export { candidatesLeft, type Candidate, type PruneKind, type RatioOf, type StopRules } from './prune/candidates.ts';
export { Journal, type JournalHeader } from './prune/journal.ts';
export { memoryJournal, type JournalSink } from './platform/journalSink.ts';
export { fileJournal } from './platform/nodeJournal.ts';
export { nodeHasher } from './platform/nodeHash.ts';
export { readOfficialOrder, writeOfficialOrder } from './prune/officialOrder.ts';
export { renderReport } from './prune/report/report.ts';
export { PRUNE_SCHEMA, type PruneResult, type StepResult } from './prune/result.ts';

// Writing models
export { writeModel, type ModelWriter } from './formats/write/modelWriter.ts';
export { ggufWriter, type GgufOptions } from './formats/write/ggufWriter.ts';
export { safetensorsWriter, storedType } from './formats/write/safetensorsWriter.ts';
export { memorySink, type FileSink, type OpenSink } from './platform/fileSink.ts';
export { folderSink } from './platform/nodeFileSink.ts';

// Gradients
export { lossGradients, type CalibrationLoss, type GradientEvent } from './autodiff/lossGradients.ts';

// Training
export { checkRecipe, type Recipe, type Task } from './train/recipe.ts';
export { prepare, type Prepared } from './train/prepare.ts';
export { train, type TrainEvent, type TrainOptions } from './train/train.ts';
export {
  healRun,
  type HealDocument,
  type HealEvent,
  type HealJob,
  type HealSettings as HealRunSettings,
} from './train/healRun.ts';
export { parameterSource } from './autodiff/parameters.ts';
export { simdGradientBackend } from './backends/simd/simdGradientBackend.ts';
export type { GradientBackend, GradientScope } from './backends/gradients.ts';

// Arrays
export { tensor, type Tensor } from './tensor/tensor.ts';
export { seededRng, type Rng } from './tensor/rng.ts';

// Errors
export {
  AccessError,
  BlockprunerError,
  DataError,
  DisposedError,
  FileChangedError,
  FormatError,
  JournalMismatchError,
  MaskError,
  MemoryBudgetError,
  NonFiniteError,
  NotFoundError,
  ShapeError,
  UnsupportedBackendError,
  UnsupportedModelError,
  UsageError,
} from './errors.ts';
