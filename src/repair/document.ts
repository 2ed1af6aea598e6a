/**
 * What a repair came to, as documents hold it: the section `repair` of prune's result.json and of
 * repair.json. It says what was fitted and where the values are, and puts the model before and
 * after side by side. Text and convention stand in the document around it.
 */
import type { Chunks } from '../eval/chunks.ts';
import type { Convention, DataSummary } from '../eval/convention.ts';
import { changeFigures, figures, type ChangeFigures, type PerplexityFigures } from '../eval/figures.ts';
import { pairedDifference, shareBack, type ShareBack } from '../eval/paired.ts';
import { aggregate, type ChunkScore } from '../eval/perplexity.ts';
import type { BlockFit, Repaired, RepairSettings } from './repair.ts';
import type { StoredTensor } from './store.ts';

/** The whole model, the same without the removed blocks, and that one repaired, on one text. */
export interface RepairFigures {
  readonly dense: PerplexityFigures;
  /** Before the repair. */
  readonly pruned: PerplexityFigures;
  /** After it. */
  readonly repaired: PerplexityFigures;
  /** `repaired` against `pruned`, paired over the same chunks. Older documents have none. */
  readonly change?: ChangeFigures | null;
  /** What share of the loss that pruning added the repair took away; null where that was none. */
  readonly back?: ShareBack | null;
}

/** The same on a text that the repair has not seen. */
export interface RepairEvaluation extends RepairFigures {
  readonly data: DataSummary;
  readonly convention: Convention;
}

export interface RepairDocument {
  /** What was removed, in the order of removal: `L5.mlp,L4.mha`. The repair fits no other mask. */
  readonly mask: string;
  /** Form, scope and the ridge factors that were tried. */
  readonly settings: RepairSettings;
  /** Tokens that were fitted, and tokens held out, by which ridge factors were chosen. */
  readonly rows: number;
  readonly heldOutRows: number;
  /** The held-out chunks of the calibration text, by index. */
  readonly heldOutChunks: readonly number[];
  /** Every block that was to be fitted, in walk order; `kept` says why one keeps its weights. */
  readonly blocks: readonly BlockFit[];
  /** Removed blocks before every kept one, which nothing makes up for. */
  readonly notRepaired: readonly string[];
  /** The tensors that changed; all others are the model's. */
  readonly tensors: readonly StoredTensor[];
  /** On the chunks that were fitted. What is fitted and measured on one text flatters itself. */
  readonly fitted: RepairFigures;
  /** On the held-out chunks; null where there are none. */
  readonly heldOut: RepairFigures | null;
  /** On another text; null where none was given. */
  readonly evaluation: RepairEvaluation | null;
  /** What really ran: `simd (relaxed-fma, 8 lanes, 2 threads)`. */
  readonly backend: string;
  /** Seconds of computing, over all parts of a resumed run. */
  readonly seconds: number;
}

/** A text's scores, chunk by chunk, of the three models. */
export interface RepairScores {
  readonly dense: readonly ChunkScore[];
  readonly pruned: readonly ChunkScore[];
  readonly repaired: readonly ChunkScore[];
}

/** What a document is made from, beside what `repair` gives. */
export interface RepairParts {
  readonly mask: string;
  readonly settings: RepairSettings;
  /** The calibration text. */
  readonly chunks: Chunks;
  /** The pruned model's score of each of its chunks. */
  readonly pruned: readonly ChunkScore[];
  readonly repaired: Omit<Repaired, 'edits'>;
  readonly tensors: readonly StoredTensor[];
  readonly evaluation: RepairEvaluation | null;
  readonly backend: string;
  readonly seconds: number;
}

/** The document of a repair. */
export function repairDocument(parts: RepairParts): RepairDocument {
  const { mask, settings, chunks, pruned, repaired, tensors, evaluation, backend, seconds } = parts;
  const { fits, notRepaired } = repaired;
  const scores: RepairScores = { dense: repaired.dense, pruned, repaired: repaired.repaired };
  const heldOut = new Set(repaired.heldOut);
  const isHeldOut = (chunk: number): boolean => heldOut.has(chunk);
  return {
    mask,
    settings,
    rows: Math.max(0, ...fits.map(({ rows }) => rows)),
    heldOutRows: Math.max(0, ...fits.map(({ heldOutRows }) => heldOutRows)),
    heldOutChunks: repaired.heldOut,
    blocks: fits,
    notRepaired,
    tensors,
    fitted: repairFigures(chunks, scores, (chunk) => !isHeldOut(chunk)),
    heldOut: heldOut.size === 0 ? null : repairFigures(chunks, scores, isHeldOut),
    evaluation,
    backend,
    seconds,
  };
}

/** The models that are compared, in the order of their making. */
export const repairedModels = ['dense', 'pruned', 'repaired'] as const;

/** All texts that a repair was measured on. @param data the name of the calibration text. */
export function figureTexts(
  { fitted, heldOut, evaluation }: RepairDocument,
  data: string,
): { name: string; figures: RepairFigures }[] {
  return [
    { name: `${data}, fitted`, figures: fitted },
    ...(heldOut === null ? [] : [{ name: 'held out', figures: heldOut }]),
    ...(evaluation === null ? [] : [{ name: evaluation.data.name, figures: evaluation }]),
  ];
}

/** Perplexities over the chunks that `counts` names; of a part of a text nobody knows the bytes. */
export function repairFigures(
  chunks: Chunks,
  { dense, pruned, repaired }: RepairScores,
  counts: (chunk: number) => boolean = () => true,
): RepairFigures {
  const whole = chunks.ids.every((_, chunk) => counts(chunk));
  const measured = whole ? chunks : { ...chunks, scoredBytes: null };
  const own = (scores: readonly ChunkScore[]): ChunkScore[] => scores.filter((_, chunk) => counts(chunk));
  const [unpruned, before, after] = [dense, pruned, repaired].map(own);
  return {
    dense: figures(aggregate(measured, unpruned)),
    pruned: figures(aggregate(measured, before)),
    repaired: figures(aggregate(measured, after)),
    change: changeFigures(pairedDifference(measured, after, before)),
    back: shareBack(measured, unpruned, before, after),
  };
}
