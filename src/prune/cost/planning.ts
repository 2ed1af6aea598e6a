/** A run's plan from its options: measures the model's speed, then plans. */
import type { Chunks } from '../../eval/chunks.ts';
import type { Transformer } from '../../model/transformer.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { PruneKind, StopRules } from '../candidates.ts';
import type { EvalText } from '../evaluation.ts';
import type { Method } from '../method.ts';
import { blockpruner } from '../methods/blockpruner.ts';
import { protectedBlocks } from '../protect.ts';
import type { RaceSettings } from '../race/raceRule.ts';
import type { RepairTime } from '../repair/settings.ts';
import { sampleTokens } from '../sample.ts';
import { measureSpeed } from './measureSpeed.ts';
import type { RunPlan, Span } from './planTypes.ts';
import { planRun, rowsToMeasure, type PlanInput } from './runPlan.ts';
import type { Speed } from './speed.ts';

/** What of a run's options decides what it takes. */
export interface ToPlan {
  readonly model: Transformer;
  readonly tokenizer: Tokenizer | null;
  readonly chunks: Chunks;
  readonly kind: PruneKind;
  readonly stop: StopRules;
  /** As `--protect` names them. */
  readonly protect?: readonly string[];
  readonly method?: Method;
  readonly race?: RaceSettings;
  readonly repair?: { readonly when: RepairTime };
  readonly evaluation?: EvalText;
  readonly activationBytes: number;
  readonly checkpointBytes?: number;
  /** Budget for packed weights; default: all fit. */
  readonly weightBytes?: number;
}

/** What fewer tokens of the same text would take. */
export interface SmallerRun {
  readonly tokens: number;
  readonly seconds: number;
  readonly race: Span | null;
}

/** The plan of a run, after a measurement of some two seconds. It leaves the model as it was. */
export async function measuredPlan(options: ToPlan): Promise<RunPlan> {
  const input = inputOf(options);
  return planRun(input, await speedFor(options.model, input));
}

/** The same, with what a half, a quarter … of the tokens would take, down to one chunk. */
export async function planWithSmaller(options: ToPlan): Promise<{ plan: RunPlan; smaller: SmallerRun[] }> {
  const input = inputOf(options);
  const speed = await speedFor(options.model, input);
  const smaller: SmallerRun[] = [];
  for (let chunks = Math.floor(input.chunks / 2); chunks >= 1 && smaller.length < MOST_SMALLER;) {
    const { tokens, seconds, race } = await planRun({ ...input, chunks }, speed);
    smaller.push({ tokens, seconds: seconds.total, race: seconds.span ?? race });
    chunks = Math.floor(chunks / 2);
  }
  return { plan: await planRun(input, speed), smaller };
}

const MOST_SMALLER = 4;

async function speedFor(model: Transformer, input: PlanInput): Promise<Speed> {
  return measureSpeed(model, { chunk: input.chunk, rows: await rowsToMeasure(input) });
}

function inputOf({ model, tokenizer, chunks, race, repair, evaluation, ...options }: ToPlan): PlanInput {
  const {
    kind,
    stop,
    protect = [],
    method = blockpruner,
    activationBytes,
    checkpointBytes = 0,
    weightBytes = Infinity,
  } = options;
  return {
    source: model.source,
    backend: model.backend,
    chunk: chunks.chunk,
    chunks: chunks.ids.length,
    kind,
    kept: protectedBlocks(protect, model.config),
    stop,
    method,
    races: race !== undefined,
    repair: repair?.when ?? null,
    evaluation: evaluation?.chunks ?? null,
    // Of the whole model and of the pruned one.
    sampleTokens: tokenizer === null ? 0 : 2 * sampleTokens(tokenizer, chunks.ids[0]),
    activationBytes,
    checkpointBytes,
    weightBytes,
  };
}
