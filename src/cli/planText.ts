/** A run's plan in words: one line before a long run, and all of it for `prune --plan`. */
import { formatSignificant, plural } from '../drawing/numbers.ts';
import type { SmallerRun } from '../prune/cost/planning.ts';
import type { RunPlan, Span } from '../prune/cost/planTypes.ts';
import { table } from './figures.ts';
import { secondsAfter } from './runClock.ts';

/** A shorter run needs no announcement. */
const LONG_SECONDS = 10;

export function isLong({ seconds }: RunPlan): boolean {
  return (seconds.span?.most ?? seconds.total) > LONG_SECONDS;
}

/**
 * `60 candidates, 12 steps: about 40 s for the first step, 7 min for all; memory about 1.2 GB
 * (--plan says more)`
 */
export function planLine(plan: RunPlan): string {
  const { candidates, seconds, memory } = plan;
  const first = plan.byStep.length > 1 ? `about ${timeWords(seconds.firstStep)} for the first step, ` : 'about ';
  return (
    `${plural(candidates, 'candidate')}, ${stepWords(plan)}: ${first}${totalWords(plan)} for all${leftOutWords(plan)}; ` +
    `memory about ${memoryWords(memory.total)} (--plan says more)`
  );
}

/** `resuming: 7 of 8 steps are in the journal, about 5 s left`; null where all are. */
export function resumedLine(plan: RunPlan, done: number): string | null {
  const { steps, atMost } = plan;
  if (done >= steps.most) return null;
  const left = secondsAfter(plan, done);
  const about = left > 0 ? `, ${atMost ? 'at most' : 'about'} ${timeWords(left)} left` : '';
  return `resuming: ${done} of ${atMost ? 'at most ' : ''}${plural(steps.most, 'step')} are in the journal${about}`;
}

/** The whole plan. @param text names the data, and how much of it is used. */
export function planText(plan: RunPlan, smaller: readonly SmallerRun[], text: string): string {
  const { seconds, memory, work, byStep } = plan;
  const lines = [
    `text: ${text}: ${tokenWords(plan.tokens)} in ${plural(plan.chunks, 'chunk')} of ${grouped(plan.chunk)}`,
    `search: ${plural(plan.candidates, 'candidate')} in the first step, ${stepWords(plan)}`,
    `work: ${count(work.done)} passes of a block on a token (one by one ${count(work.naive)}), ${count(plan.flops)} floating-point operations`,
    `memory: about ${memoryWords(memory.total)}: weights ${memoryWords(memory.weights)}, activations ${memoryWords(memory.activations)}, streams kept for the next step ${memoryWords(memory.kept)}`,
    `time: ${firstWords(plan)}${totalWords(plan)} for the whole run${partWords(plan)}`,
  ];
  if (plan.race !== null) lines.push(`with --search race: ${spanWords(plan.race)}`);
  if (plan.leftOut.length > 0) lines.push(`not counted: ${plan.leftOut.join(', ')}`);
  if (byStep.length > 1) lines.push('', stepTable(plan));
  if (smaller.length > 0) lines.push('', smallerTable(plan, smaller));
  lines.push(
    '',
    `Times are from ${seconds.total < 1 ? 'a short' : `a ${timeWords(plan.measured)}`} measurement of this model on this machine.`,
  );
  return lines.join('\n');
}

/** 0.42 → `0.4 s`, 75 → `1 min 15 s`, 9000 → `2.5 h`, 300000 → `3.5 days` */
export function timeWords(seconds: number): string {
  if (seconds < 10) return `${seconds < 0.1 ? '0.1' : seconds.toFixed(1).replace(/\.0$/, '')} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 600) return `${Number((seconds / 60).toFixed(1))} min`;
  if (seconds < 5970) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Number((seconds / 3600).toPrecision(2))} h`;
  return `${formatSignificant(seconds / 86_400, 2)} days`;
}

/** In the units of `--memory`: a GB is 2³⁰ bytes. */
function memoryWords(bytes: number): string {
  if (bytes >= 2 ** 30) return `${(bytes / 2 ** 30).toFixed(1)} GB`;
  return bytes >= 2 ** 20 ? `${Math.round(bytes / 2 ** 20)} MB` : `${Math.ceil(bytes / 2 ** 10)} KB`;
}

function stepWords({ steps, atMost }: RunPlan): string {
  if (atMost) return `at most ${plural(steps.most, 'step')}`;
  return steps.least === steps.most ? plural(steps.most, 'step') : `${steps.least} to ${steps.most} steps`;
}

function totalWords({ seconds, atMost }: RunPlan): string {
  if (seconds.span !== null) return spanWords(seconds.span);
  return `${atMost ? 'at most ' : ''}${timeWords(seconds.total)}`;
}

function firstWords({ byStep, seconds }: RunPlan): string {
  return byStep.length > 1 ? `about ${timeWords(seconds.firstStep)} for the first step, ` : 'about ';
}

function spanWords({ least, most }: Span): string {
  const [from, to] = [timeWords(least), timeWords(most)];
  return from === to ? from : `${from} to ${to}`;
}

function leftOutWords({ leftOut }: RunPlan): string {
  return leftOut.length === 0 ? '' : ` (without ${leftOut.join(' and ')})`;
}

/** ` (scores 3 s, search 40 s, evaluation 2 s, sample 4 s)` */
function partWords({ seconds }: RunPlan): string {
  const { scoring, search, evaluation, sample } = seconds;
  const parts = Object.entries({ scores: scoring, search, evaluation, sample }).filter(([, part]) => part >= 0.05);
  return parts.length < 2 ? '' : ` (${parts.map(([name, part]) => `${name} ${timeWords(part)}`).join(', ')})`;
}

/** The first steps and the last. */
function stepTable({ byStep }: RunPlan): string {
  const shown = byStep.length <= 6 ? byStep : [...byStep.slice(0, 3), ...byStep.slice(-2)];
  const rows = shown.map(({ step, candidates, passes, flops, seconds }) => {
    return [String(step), String(candidates), count(passes), count(flops), timeWords(seconds)];
  });
  return table(['>step', '>candidates', '>passes', '>operations', '>time'], rows);
}

function smallerTable(plan: RunPlan, smaller: readonly SmallerRun[]): string {
  const own = { tokens: plan.tokens, seconds: plan.seconds.total, race: plan.seconds.span ?? plan.race };
  const races = [own, ...smaller].some(({ race }) => race !== null);
  const rows = [own, ...smaller].map(({ tokens, seconds, race }) => {
    const cells = [grouped(tokens), timeWords(seconds)];
    return races ? [...cells, race === null ? '' : spanWords(race)] : cells;
  });
  return table(['>--tokens', '>time', ...(races ? ['>with --search race'] : [])], rows);
}

function tokenWords(tokens: number): string {
  return `${grouped(tokens)} ${tokens === 1 ? 'token' : 'tokens'}`;
}

function grouped(whole: number): string {
  return whole.toLocaleString('en');
}

/** Whole up to a million, then with a power of ten. */
function count(number: number): string {
  return number < 1e6 ? grouped(Math.round(number)) : formatSignificant(number, 3).replaceAll('\u00A0', ' ');
}
