/** From a run's events to its document. */
import { UsageError } from '../errors.ts';
import { changeFigures, figures, finiteOrNull, finitePpl } from '../eval/figures.ts';
import type { ChunkScore, Perplexity } from '../eval/perplexity.ts';
import { formatBlock } from '../model/blockId.ts';
import type { Edit } from '../model/edit.ts';
import type { Mask } from '../model/mask.ts';
import { addWork } from './blockPasses.ts';
import type {
  EvaluatedDense,
  EvaluatedStep,
  Leader,
  RowPasses,
  ScoredCandidate,
  StepEvent,
  StepRepair,
  StoppedBy,
} from './events.ts';
import type { BlockScore, MethodEvent } from './method.ts';
import { nearTie } from './nearTie.ts';
import type {
  CandidateScore,
  LeaderResult,
  MethodScore,
  RunEvaluation,
  StepRepairResult,
  StepResult,
} from './result.ts';

/** What a method's search ended with. */
export interface MeasuredEnd {
  dense: Perplexity;
  mask: Mask;
  stoppedBy: StoppedBy;
  /** The scores, [chunk], that the last removal was chosen by; none where nothing was removed. */
  scores: readonly ChunkScore[];
}

/** What a run's events come to. */
export class Outcome {
  readonly steps: StepResult[] = [];
  work: RowPasses = { done: 0, exact: 0, naive: 0 };
  scores: MethodScore[] | null = null;
  evaluation: RunEvaluation | null = null;
  #dense: Perplexity | null = null;
  #end: { mask: Mask; stoppedBy: StoppedBy } | null = null;
  /** Of the last removal: those that it was chosen by. */
  #lastScores: readonly ChunkScore[] = [];
  readonly #noise: number;

  /** @param noise the backend's `perplexityNoise`, to tell near-ties. */
  constructor(noise: number) {
    this.#noise = noise;
  }

  take(event: MethodEvent): void {
    if (event.type === 'dense') {
      this.#dense = event.perplexity;
      if (event.evaluation !== undefined) this.evaluation = evaluationOf(event.evaluation);
    }
    if (event.type === 'scored') this.scores = event.scores.map(methodScore);
    if (event.type === 'step') {
      this.steps.push(stepResult(event, this.#noise));
      if (event.removed !== null) this.#lastScores = event.scores;
    }
    if (event.type === 'measured') this.work = addWork(this.work, event.work);
    if (event.type === 'done') this.#end = event;
  }

  /**
   * What the search ended with.
   * @throws UsageError for a method whose edits are not what was measured.
   */
  end(method: string, edits: readonly Edit[]): MeasuredEnd {
    const dense = this.#dense;
    const end = this.#end;
    if (dense === null || end === null) {
      throw new UsageError(`method ${method} ended without a measured result.`, {
        remedy: 'Let its removals go through subject.search.',
      });
    }
    const removed = edits.flatMap((edit) => (edit.type === 'remove' ? edit.blocks.map(formatBlock) : [])).join(',');
    if (removed !== end.mask.toString() || edits.some(({ type }) => type !== 'remove')) {
      throw new UsageError(`method ${method} returned edits that are not what its search removed.`, {
        remedy: 'Return the blocks of the mask that subject.search gives.',
      });
    }
    return { dense, mask: end.mask, stoppedBy: end.stoppedBy, scores: this.#lastScores };
  }
}

function methodScore({ block, score }: BlockScore): MethodScore {
  if (Number.isFinite(score)) return { block, score };
  return { block, score: null, status: Number.isNaN(score) ? 'nan' : 'infinite' };
}

function stepResult(event: StepEvent, noise: number): StepResult {
  const { removed } = event;
  return {
    step: event.step,
    removed: removed?.name ?? null,
    ...finitePpl(removed?.perplexity.ppl ?? bestOfNone(event.candidates)),
    standardError: finiteOrNull(removed?.perplexity.standardError ?? null),
    bitsPerByte: finiteOrNull(removed?.perplexity.bitsPerByte ?? null),
    change: changeFigures(event.change),
    runnerUp: runnerUpOf(event),
    ...klOf(removed?.perplexity),
    ratio: event.ratios.total,
    ratios: event.ratios,
    nearTie: nearTie(noise, event.repair?.picked ?? removed, event.repair?.runnerUp ?? event.runnerUp),
    candidates: event.candidates.map(candidateScore),
    work: event.work,
    ...(event.race === undefined ? {} : { race: event.race }),
    ...(event.repair === undefined ? {} : { repair: stepRepair(event.repair) }),
    ...(event.evaluation === undefined ? {} : { evaluation: stepEvaluation(event.evaluation) }),
  };
}

/** Only where it was measured. */
function klOf(perplexity: Perplexity | undefined): { kl?: number | null } {
  return perplexity?.kl === undefined ? {} : { kl: finiteOrNull(perplexity.kl) };
}

function evaluationOf({ perplexity, ...rest }: EvaluatedDense): RunEvaluation {
  return { ...rest, dense: figures(perplexity) };
}

function stepEvaluation({ perplexity, change }: EvaluatedStep): StepResult['evaluation'] {
  return { ...figures(perplexity), change: changeFigures(change) };
}

function stepRepair({ leaders, picked }: StepRepair): StepRepairResult {
  return {
    ...finitePpl(picked?.perplexity.ppl ?? bestOfNone(leaders)),
    standardError: finiteOrNull(picked?.perplexity.standardError ?? null),
    bitsPerByte: finiteOrNull(picked?.perplexity.bitsPerByte ?? null),
    heldOut: picked === null ? null : heldOut(picked),
    leaders: leaders.map((leader) => {
      const { ppl, status } = finitePpl(leader.perplexity.ppl);
      return {
        block: leader.name,
        pruned: finiteOrNull(leader.plain.ppl),
        repaired: ppl,
        ...(status === undefined ? {} : { status }),
        heldOut: heldOut(leader),
      };
    }),
  };
}

function heldOut(leader: Leader): LeaderResult['heldOut'] {
  if (leader.heldOut === null) return null;
  return { pruned: finiteOrNull(leader.heldOut.plain), repaired: finiteOrNull(leader.heldOut.repaired) };
}

function runnerUpOf({ runnerUp, repair, margin }: StepEvent): StepResult['runnerUp'] {
  if (runnerUp === null) return null;
  const { ppl } = (repair?.runnerUp ?? runnerUp).perplexity;
  return { block: runnerUp.name, ppl, margin: changeFigures(margin) };
}

/** What the best of candidates is of which none is finite: infinite, unless all are NaN. */
function bestOfNone(candidates: readonly Pick<ScoredCandidate, 'perplexity'>[]): number {
  return candidates.every(({ perplexity }) => Number.isNaN(perplexity.ppl)) ? NaN : Infinity;
}

function candidateScore({ name, perplexity, dropped }: ScoredCandidate): CandidateScore {
  const { ppl } = perplexity;
  if (dropped === undefined) return { block: name, ...finitePpl(ppl), ...klOf(perplexity) };
  const { chunks, againstPick } = dropped;
  const seen = { chunks, ppl: finiteOrNull(ppl), againstPick: finiteOrNull(againstPick) };
  // What is not finite on some chunks is not finite on all.
  return { block: name, ppl: null, status: finitePpl(ppl).status ?? 'dropped', seen };
}
