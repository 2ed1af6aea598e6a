/**
 * What a run will take: candidates, passes, operations, memory and, by a short measurement of this
 * model on this backend, time. Passes are exact for each order of removals that is looked at;
 * which order it will be is not known before, so figures of later steps are means over a few.
 */
import type { Backend } from '../../backends/backend.ts';
import type { Chunks } from '../../eval/chunks.ts';
import { formatBlock } from '../../model/blockId.ts';
import { Mask } from '../../model/mask.ts';
import { countParameters } from '../../model/parameters.ts';
import { walkOf } from '../../model/walk.ts';
import { pieceSizes } from '../../model/weightPieces.ts';
import type { WeightSource } from '../../model/weights.ts';
import { addWork } from '../blockPasses.ts';
import { candidatesLeft, type Candidate, type PruneKind, type StopRules } from '../candidates.ts';
import type { RowPasses } from '../events.ts';
import type { Method } from '../method.ts';
import { chunkBytes, planGroup } from '../pricing/plan.ts';
import type { Protected } from '../protect.ts';
import { DryPricer, type GroupWork, type SearchShape } from './dryPricer.ts';
import type { PlannedStep, RunPlan, Span } from './planTypes.ts';
import { boundsPerplexity, likelyOrders, stepSpan } from './removals.ts';
import { exactWork, onceWork, orderedWork, raceWork, type StepWork } from './searchWork.ts';
import { Pricing, type Priced, type Speed } from './speed.ts';

export interface PlanInput {
  readonly source: WeightSource;
  readonly backend: Pick<Backend, 'stackBytes' | 'nllRowBytes'>;
  readonly chunk: number;
  /** How many chunks are searched on. */
  readonly chunks: number;
  readonly kind: PruneKind;
  /** Blocks that are never candidates. */
  readonly kept?: Protected;
  readonly stop: StopRules;
  readonly method: Pick<Method, 'name' | 'scoring'>;
  /** Whether the run races. */
  readonly races: boolean;
  readonly repair: 'end' | 'each' | null;
  /** Of `--eval`, measured on the dense model and after every step. */
  readonly evaluation: (Pick<Chunks, 'chunk'> & { readonly ids: { readonly length: number } }) | null;
  /** Tokens that the sample draws at most, in both models together. */
  readonly sampleTokens: number;
  readonly activationBytes: number;
  readonly checkpointBytes: number;
  readonly weightBytes: number;
}

/** The rows of the streams that the first step passes through blocks: what a measurement times. */
export async function rowsToMeasure(input: PlanInput): Promise<number[]> {
  const shape = shapeOf(input);
  const groups =
    isOrdered(input) && input.method.scoring !== 'sweep'
      ? await new DryPricer(shape, 1, 0).priceAll(Mask.empty, [])
      : await onceWork(shape, input.kind);
  const rows = groups.flatMap(({ calls }) => calls.map((call) => call.rows));
  return [...new Set([Math.min(...rows), Math.max(...rows)])];
}

/** @throws MemoryBudgetError when the budget does not hold one chunk's streams. */
export async function planRun(input: PlanInput, speed: Speed): Promise<RunPlan> {
  const { source, kind, kept, chunk, chunks, stop, races } = input;
  const what = { config: source.config, counts: countParameters(source), kind, kept, stop };
  const orders = likelyOrders(what);
  const runs = await Promise.all(orders.map((order) => searchOf(input, order, speed)));
  const search = meanOf(runs);
  const others = await otherParts(input, orders[0], speed);
  const searchSeconds = total(search.byStep.map(({ seconds }) => seconds));
  const besides = others.scoring.seconds + others.evaluation.seconds + others.sample;
  const race = races || canRace(input) ? await raceSpan(input, orders[0], speed) : null;
  return {
    tokens: chunk * chunks,
    chunk,
    chunks,
    candidates: candidatesLeft(kind, source.config, Mask.empty, kept).length,
    steps: stepSpan(what),
    byStep: search.byStep,
    work: search.work,
    flops: total(search.byStep.map(({ flops }) => flops)) + others.scoring.flops + others.evaluation.flops,
    seconds: {
      firstStep: search.byStep[0]?.seconds ?? 0,
      scoring: others.scoring.seconds,
      search: searchSeconds,
      evaluation: others.evaluation.seconds,
      sample: others.sample,
      total: searchSeconds + besides,
      span: races && race !== null ? { least: race.least + besides, most: race.most + besides } : null,
    },
    race: races || race === null ? null : { least: race.least + besides, most: race.most + besides },
    atMost: boundsPerplexity(stop),
    memory: memoryOf(input, runs),
    leftOut: leftOut(input),
    measured: speed.seconds,
  };
}

interface PlannedSearch {
  readonly byStep: readonly PlannedStep[];
  readonly work: RowPasses;
  /** The most bytes of streams kept from step to step. */
  readonly keptBytes: number;
}

/** The search that removes in this order. */
async function searchOf(input: PlanInput, order: readonly Candidate[], speed: Speed): Promise<PlannedSearch> {
  if (isOrdered(input)) return priced(input, await orderedWork(shapeOf(input), order), speed);
  if (!input.races) return priced(input, await exactWork(shapeOf(input), input.kind, order), speed);
  const [best, worst] = await Promise.all(
    (['all', 'none'] as const).map(async (drops) =>
      priced(input, await raceWork(shapeOf(input), input.kind, order, drops), speed),
    ),
  );
  // Races of real models come out near the geometric mean of the two (docs/internals/racing.md).
  const middle = (a: number, b: number): number => Math.sqrt(a * b);
  return {
    byStep: best.byStep.map((step, at) => {
      const other = worst.byStep[at];
      return {
        ...step,
        passes: middle(step.passes, other.passes),
        flops: middle(step.flops, other.flops),
        seconds: middle(step.seconds, other.seconds),
      };
    }),
    work: { ...worst.work, done: middle(best.work.done, worst.work.done) },
    keptBytes: 0,
  };
}

async function priced(input: PlanInput, steps: readonly StepWork[], speed: Speed): Promise<PlannedSearch> {
  const pricing = pricingOf(input, speed);
  const byStep: PlannedStep[] = [];
  for (const { step, candidates, groups, work } of steps) {
    const { flops, seconds, loadSeconds } = await pricing.price(groups);
    byStep.push({ step, candidates, passes: work.done, flops, seconds: seconds + loadSeconds });
  }
  const kept = steps.map(({ groups }) => total(groups.map(({ keptBytes, times }) => keptBytes * times)));
  const work = steps.reduce((sum, step) => addWork(sum, step.work), { done: 0, exact: 0, naive: 0 });
  return { byStep, work, keptBytes: Math.max(0, ...kept) };
}

/** Step by step the mean over those runs that come so far. */
function meanOf(runs: readonly PlannedSearch[]): Pick<PlannedSearch, 'byStep' | 'work'> {
  const steps = Math.round(total(runs.map(({ byStep }) => byStep.length)) / runs.length);
  const byStep = Array.from({ length: steps }, (_, at): PlannedStep => {
    const same = runs.flatMap((run) => run.byStep.slice(at, at + 1));
    const mean = (of: (step: PlannedStep) => number): number => total(same.map(of)) / same.length;
    return {
      step: at + 1,
      candidates: Math.round(mean((one) => one.candidates)),
      passes: mean((one) => one.passes),
      flops: mean((one) => one.flops),
      seconds: mean((one) => one.seconds),
    };
  });
  const meanWork = (of: keyof RowPasses): number => total(runs.map(({ work }) => work[of])) / runs.length;
  return { byStep, work: { done: meanWork('done'), exact: meanWork('exact'), naive: meanWork('naive') } };
}

/** Seconds of a race's search, from all dropping out at the first look to none. */
async function raceSpan(input: PlanInput, order: readonly Candidate[], speed: Speed): Promise<Span> {
  // The last block of the walk stays in: no survivor costs less.
  const best = await priced(input, await raceWork(shapeOf(input), input.kind, order, 'all'), speed);
  const worst = await priced(input, await raceWork(shapeOf(input), input.kind, order, 'none'), speed);
  const seconds = ({ byStep }: PlannedSearch): number => total(byStep.map((step) => step.seconds));
  return { least: seconds(best), most: seconds(worst) };
}

interface Others {
  readonly scoring: Pick<Priced, 'flops' | 'seconds'>;
  readonly evaluation: Pick<Priced, 'flops' | 'seconds'>;
  readonly sample: number;
}

/** What a run does beside its search. */
async function otherParts(input: PlanInput, order: readonly Candidate[], speed: Speed): Promise<Others> {
  const { source, evaluation, sampleTokens } = input;
  const pricing = pricingOf(input, speed);
  const scoring = await scoringOf(input, pricing);
  let [flops, seconds] = [0, 0];
  if (evaluation !== null) {
    const shape = { ...shapeOf(input), chunk: evaluation.chunk, chunks: evaluation.ids.length };
    const ownPricing = pricingOf({ ...input, chunk: evaluation.chunk }, speed);
    const pricer = new DryPricer(shape, 1, 0);
    let mask = Mask.empty;
    for (const removed of [null, ...order]) {
      mask = removed === null ? mask : mask.with(removed.blocks);
      const found = await ownPricing.price(await pricer.priceAll(mask, []));
      flops += found.flops;
      seconds += found.seconds;
    }
  }
  const walk = walkOf(source.config).map(formatBlock);
  return { scoring, evaluation: { flops, seconds }, sample: sampleTokens * pricing.tokenSeconds(walk) };
}

/** Forward and backward take about three times a forward pass. */
const GRADIENT_WALKS = 3;

async function scoringOf(input: PlanInput, pricing: Pricing): Promise<Pick<Priced, 'flops' | 'seconds'>> {
  const shape = shapeOf(input);
  const of = async (groups: readonly GroupWork[], times: number): Promise<Pick<Priced, 'flops' | 'seconds'>> => {
    const { flops, seconds, loadSeconds } = await pricing.price(groups);
    return { flops: times * flops, seconds: times * seconds + loadSeconds };
  };
  switch (input.method.scoring) {
    case 'sweep':
      return of(await onceWork(shape, input.kind), 1);
    case 'walk':
      return of(await new DryPricer(shape, 1, 0).priceAll(Mask.empty, []), 1);
    case 'gradients':
      return of(await new DryPricer(shape, 1, 0).priceAll(Mask.empty, []), GRADIENT_WALKS);
    default:
      return { flops: 0, seconds: 0 };
  }
}

function memoryOf(input: PlanInput, runs: readonly PlannedSearch[]): RunPlan['memory'] {
  const { source, backend, chunk, chunks, activationBytes, weightBytes } = input;
  const { config } = source;
  const streams =
    isOrdered(input) && input.method.scoring !== 'sweep'
      ? 1
      : candidatesLeft(input.kind, config, Mask.empty, input.kept).length;
  const group = Math.min(chunks, planGroup({ config, backend }, chunk, streams, activationBytes));
  const weights = Math.min(weightBytes, total([...pieceSizes(source).values()]));
  const activations = group * chunkBytes({ config, backend }, chunk, streams);
  const kept = Math.max(...runs.map(({ keptBytes }) => keptBytes));
  return { weights, activations, kept, total: weights + activations + kept };
}

function leftOut({ method, repair }: PlanInput): string[] {
  const parts: string[] = [];
  if (method.scoring === undefined) parts.push(`the scores of method ${method.name}`);
  if (repair === 'end') parts.push('the repair of the result');
  if (repair === 'each') parts.push('the repairs of each step');
  return parts;
}

/** Whether the method removes in an order that it decides beforehand. */
function isOrdered({ method }: PlanInput): boolean {
  return method.scoring !== 'search';
}

/** A race needs chunks to look at before the last. */
function canRace({ method, repair, chunks }: PlanInput): boolean {
  return method.scoring === 'search' && repair !== 'each' && chunks > 2;
}

function shapeOf({ source, backend, chunk, chunks, activationBytes, checkpointBytes, kept }: PlanInput): SearchShape {
  return { config: source.config, backend, chunk, chunks, activationBytes, checkpointBytes, kept };
}

function pricingOf({ source, chunk, weightBytes }: PlanInput, speed: Speed): Pricing {
  return new Pricing(source.config, chunk, speed, { sizes: pieceSizes(source), weightBytes });
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
