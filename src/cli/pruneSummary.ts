/** A run's result in the terminal. */
import { formatSignificant } from '../drawing/numbers.ts';
import { scoredWords } from '../eval/convention.ts';
import type { RaceSettings } from '../prune/race/raceRule.ts';
import { methodWords } from '../prune/report/headline.ts';
import type { PruneResult, RunEvaluation, StepResult } from '../prune/result.ts';
import { backendWords } from './backendWords.ts';
import { changed, figure, pairedChange, percent, sparkline, table } from './figures.ts';
import { repairLines } from './repairSummary.ts';

/** The run as tables and a few lines. */
export function pruneSummary(result: PruneResult): string {
  const { evaluation } = result;
  const withKl = result.steps.some(({ kl }) => kl !== undefined);
  const dense = result.dense.ppl;
  const inLoop = result.repair?.when === 'each';
  const final = ({ ppl, repair }: StepResult): number | null => (repair === undefined ? ppl : repair.ppl);
  const rows = result.steps.map((step) => {
    return [
      String(step.step),
      step.removed ?? 'nothing',
      figure(step.ppl, step.status),
      ...(inLoop ? [figure(step.repair?.ppl ?? null, step.repair?.status)] : []),
      changeOf(final(step), step, dense),
      ...(withKl ? [klCell(step)] : []),
      ...(evaluation === undefined ? [] : heldOutCells(step)),
      percent(step.ratios.total),
      percent(step.ratios.depth),
      runnerUpOf(step),
    ];
  });
  const curve = sparkline([dense, ...result.steps.map(final)]);
  const repaired = inLoop ? ['>repaired'] : [];
  const heldOut = evaluation === undefined ? [] : ['>held out', '>change'];
  const head = [
    '>step',
    'removed',
    '>perplexity',
    ...repaired,
    '>change',
    ...(withKl ? ['>KL'] : []),
    ...heldOut,
    '>params gone',
    '>blocks gone',
    'runner-up',
  ];
  const first = [
    '0',
    '',
    figure(dense, result.dense.status),
    ...repaired.map(() => ''),
    '',
    ...(withKl ? ['0'] : []),
    ...(evaluation === undefined ? [] : [figure(evaluation.dense.ppl, evaluation.dense.status), '']),
    percent(0),
    percent(0),
    '',
  ];
  return [
    `${result.model.name}: ${result.model.blocks} blocks, ${result.model.parameters.toLocaleString('en')} parameters`,
    `${result.data.name}: ${scoredWords(result.data)}; ${result.convention.text}`,
    ...(evaluation === undefined ? [] : [heldOutLine(evaluation)]),
    `method: ${methodWords(result)}`,
    `backend: ${backendWords(result.backend)}, ${result.seconds.toFixed(1)} s of computing`,
    ...(result.race === undefined ? [] : [raceLine(result, result.race)]),
    '',
    table(head, [first, ...rows]),
    ...(result.steps.some(({ nearTie }) => nearTie !== null) ? [NEAR_TIE] : []),
    '',
    `perplexity ${curve}  stopped by ${result.stoppedBy}`,
    ...gainLines(result),
    ...(result.repair === undefined ? [] : ['', ...repairLines(result.repair, result.data.name)]),
  ].join('\n');
}

/** `size 92.3 → 78.1 MB (−15.4 %), decoding 41.2 → 48.1 tokens/s (+16.7 %)`, and the memory. */
function gainLines({ size, decode, memory }: PruneResult): string[] {
  const megabytes = (bytes: number): string => formatSignificant(bytes / 1e6);
  const parts: string[] = [];
  if (size !== undefined) {
    const { dense, pruned } = size.bytes;
    parts.push(`size ${megabytes(dense)} → ${megabytes(pruned)} MB (${changed(pruned, dense)})`);
  }
  if (decode !== undefined) {
    const { dense, pruned } = decode;
    const speeds = `${formatSignificant(dense)} → ${formatSignificant(pruned)} tokens/s`;
    parts.push(`decoding ${speeds} (${changed(pruned, dense)})`);
  }
  const peak = memory === undefined ? [] : [`memory: ${megabytes(memory.peakBytes)} MB at most`];
  return [...(parts.length === 0 ? [] : [parts.join(', ')]), ...peak];
}

/** `held out: valid.txt, 2048 tokens …; every step is measured on it, and none is chosen by it` */
function heldOutLine({ data, of }: RunEvaluation): string {
  const what = of === 'repaired' ? 'each step is measured on it after repair' : 'each step is measured on it';
  return `held out: ${data.name}: ${scoredWords(data)}; ${what}, and nothing is chosen by it`;
}

/** Perplexity and change on the held-out text; empty where nothing went. */
function heldOutCells({ evaluation }: StepResult): string[] {
  if (evaluation === undefined) return ['', ''];
  const { ppl, status, change } = evaluation;
  const against = change === null ? '' : pairedChange({ nats: change.nats, standardError: change.natsError });
  return [figure(ppl, status), against];
}

/** Nats per token; empty where it was not measured, as in steps of an older journal. */
function klCell({ kl }: StepResult): string {
  return kl === undefined || kl === null ? '' : String(Number(Math.max(0, kl).toPrecision(3)));
}

/** Against the dense model: `+24.4 ± 0.8 %`, the error being that of the change. */
function changeOf(ppl: number | null, { change }: StepResult, dense: number | null): string {
  if (change !== undefined && change !== null) {
    return pairedChange({ nats: change.nats, standardError: change.natsError });
  }
  return ppl === null || dense === null ? '' : changed(ppl, dense);
}

/** The second best and how far it lies above the pick: `L4.mha +0.31 ± 0.12 %`. */
function runnerUpOf({ runnerUp, nearTie }: StepResult): string {
  const margin = runnerUp?.margin ?? null;
  const words = margin === null ? '' : ` ${pairedChange({ nats: margin.nats, standardError: margin.natsError })}`;
  if (nearTie !== null) return `near-tie with ${nearTie.block}${words}`;
  return runnerUp === undefined || runnerUp === null ? '' : `${runnerUp.block}${words}`;
}

/** What a race saved, in a sentence. */
function raceLine({ steps, work: { done, exact, naive } }: PruneResult, { confidence }: RaceSettings): string {
  const finalists = steps.reduce((sum, step) => sum + (step.race?.survivors ?? 0), 0);
  const dropped = steps.reduce((sum, step) => sum + step.candidates.length, 0) - finalists;
  return (
    `race at confidence ${confidence} a step: ${percent(done / exact)} of exact mode's block passes, ` +
    `${percent(done / naive)} of the naive search's; ${dropped} candidates dropped, ${finalists} measured on all chunks`
  );
}

/** What the word in the table means. */
const NEAR_TIE = "near-tie: so close that another machine's rounding could pick the other";
