/** A search's progress: a live bar on a terminal, one plain line a step otherwise. */
import { Presets, SingleBar, type Options, type Params } from 'cli-progress';
import type { RepairProgressEvent, RowPasses, SearchProgressEvent, StepEvent, StepRace } from '../prune/events.ts';
import type { BlockScore, MethodEvent } from '../prune/method.ts';
import { formatSignificant, plural } from '../drawing/numbers.ts';
import type { RunPlan } from '../prune/cost/planTypes.ts';
import { barLine, type BarPart } from './barLine.ts';
import { changed, figure, pairedChange, percent } from './figures.ts';
import { isLong, planLine, resumedLine } from './planText.ts';
import { RunClock } from './runClock.ts';
import type { Terminal } from './terminal.ts';

export class SearchProgress {
  readonly #terminal: Terminal;
  #bar: SingleBar | null = null;
  #densePpl = NaN;
  #plan: RunPlan | null = null;
  #clock = new RunClock(null);
  readonly #now: () => number;
  readonly #started: number;

  /** @param now milliseconds of a clock. */
  constructor(terminal: Terminal, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#now = now;
    this.#started = now();
  }

  show(event: MethodEvent): void {
    if (event.type === 'warning') this.#terminal.warn(event.message);
    if (event.type === 'progress' && this.#terminal.live) this.#showStep(event);
    if (event.type === 'scoring' && this.#terminal.live) this.#showBar('scores', event.fraction, []);
    if (event.type === 'evaluating' && this.#terminal.live) this.#showBar('held-out text', event.fraction, []);
    if (event.type === 'repairing' && this.#terminal.live) this.#showRepair(event);
    if (event.type === 'plan') this.#showPlan(event.plan, event.done);
    if (event.type === 'scored') this.#line(scoredLine(event.scores));
    if (event.type === 'dense') {
      this.#densePpl = event.perplexity.ppl;
      const heldOut = event.evaluation === undefined ? '' : `, held out ${figure(event.evaluation.perplexity.ppl)}`;
      this.#line(`dense: perplexity ${figure(event.perplexity.ppl)}${heldOut}`);
    }
    if (event.type === 'step') this.#line(this.#stepLine(event));
    if (event.type === 'done') this.#line(`done: ${event.mask.size} blocks removed, stopped by ${event.stoppedBy}`);
  }

  /** Takes the bar off the screen; the last line written stays. */
  close(): void {
    this.#bar?.stop();
    this.#bar = null;
  }

  #showPlan(plan: RunPlan, done: number): void {
    this.#plan = plan;
    this.#clock = new RunClock(plan);
    if (!isLong(plan)) return;
    const line = done === 0 ? planLine(plan) : resumedLine(plan, done);
    if (line !== null) this.#line(line);
  }

  #stepLine(event: StepEvent): string {
    if (event.removed === null) return `step ${event.step}: no candidate has a finite perplexity, nothing removed`;
    const { name, perplexity } = event.removed;
    const repaired = event.repair?.picked?.perplexity;
    const { ppl } = repaired ?? perplexity;
    const before = repaired === undefined ? '' : `${figure(perplexity.ppl)}, repaired `;
    return (
      `step ${event.step}: removed ${name}, perplexity ${before}${figure(ppl)} ` +
      `(${event.change === null ? changed(ppl, this.#densePpl) : pairedChange(event.change)}), ` +
      heldOutWords(event) +
      `${percent(event.ratios.total)} of parameters gone, ${plural(event.candidates.length, 'candidate')}` +
      `${event.race === undefined ? '' : raced(event.race, event.work)}${runnerUpWords(event)}`
    );
  }

  #line(text: string): void {
    this.close();
    this.#terminal.note(text);
  }

  #showStep(event: SearchProgressEvent): void {
    const { step, candidates, fraction, computed, seconds, best } = event;
    const { step: ofStep, run } = this.#clock.left(event);
    const steps = this.#plan === null ? '' : ` of ${this.#plan.atMost ? 'at most ' : ''}${this.#plan.steps.most}`;
    // Each candidate's model scores each token.
    const tokens = (this.#plan?.tokens ?? 0) * candidates * computed;
    const rate = tokens > 0 && seconds > 0 ? `${formatSignificant(tokens / seconds)} tokens/s` : '';
    this.#showBar(`step ${step}${steps}`, fraction, [
      { text: ofStep === null ? 'step … left' : `step ${duration(ofStep)} left`, rank: 2 },
      { text: run === null ? '' : `run ${duration(run)} left`, rank: 1 },
      { text: `${duration((this.#now() - this.#started) / 1000)} elapsed`, rank: 4 },
      { text: best === null ? '' : `best ${best.name} ${figure(best.ppl)}`, rank: 3 },
      { text: plural(candidates, 'candidate'), rank: 6 },
      { text: rate, rank: 5 },
    ]);
  }

  #showRepair({ leader, block, fraction }: RepairProgressEvent): void {
    const of = leader === null ? '' : `step ${leader.step}, ${leader.name}, ${leader.index + 1} of ${leader.of}`;
    this.#showBar('repair', fraction, [
      { text: of, rank: 3 },
      { text: block, rank: 1 },
    ]);
  }

  /** What is shown is put together anew each time: the terminal may be another size by then. */
  #showBar(title: string, fraction: number, parts: readonly BarPart[]): void {
    const line = { title, fraction, parts };
    if (this.#bar === null) {
      // Nothing of the terminal is switched, so that not even a killed run leaves it changed. What
      // is wider than a line is cut off.
      const quiet = { hideCursor: false, linewrap: true };
      const look = { format: formatLine, clearOnComplete: true, ...quiet, stream: process.stderr, fps: 8 };
      this.#bar = new SingleBar(look, Presets.shades_classic);
      this.#bar.start(1000, 0, line);
    }
    this.#bar.update(Math.floor(fraction * 1000), line);
  }
}

/** Columns where the terminal does not say. */
const USUAL_COLUMNS = 80;

function formatLine(_options: Options, _params: Params, payload: unknown): string {
  const { title, fraction, parts } = payload as { title: string; fraction: number; parts: readonly BarPart[] };
  return barLine(title, fraction, parts, process.stderr.columns || USUAL_COLUMNS);
}

/** `scores of 24 candidates: from 0.0123 (L7.mha) to 1.27 (L0.mlp)` */
function scoredLine(scores: readonly BlockScore[]): string {
  const ranked = scores.filter(({ score }) => !Number.isNaN(score)).toSorted((a, b) => a.score - b.score);
  const named = ({ block, score }: BlockScore): string => `${figure(score)} (${block})`;
  const range = ranked.length === 0 ? '' : `: from ${named(ranked[0])} to ${named(ranked[ranked.length - 1])}`;
  return `scores of ${plural(scores.length, 'candidate')}${range}`;
}

/** `held out 24.6 (+2.9 ± 0.4 %), ` */
function heldOutWords({ evaluation }: StepEvent): string {
  if (evaluation === undefined) return '';
  const { perplexity, change } = evaluation;
  const against = Number.isFinite(change.nats) ? ` (${pairedChange(change)})` : '';
  return `held out ${figure(perplexity.ppl)}${against}, `;
}

/** `; runner-up L0.mha, +0.31 ± 0.12 %` */
function runnerUpWords({ runnerUp, margin }: StepEvent): string {
  return runnerUp === null || margin === null ? '' : `; runner-up ${runnerUp.name}, ${pairedChange(margin)}`;
}

/** `, 3 of them on all chunks, 21.4 % of exact mode's passes` */
function raced({ survivors }: StepRace, { done, exact }: RowPasses): string {
  return `, ${survivors} of them on all chunks, ${percent(done / exact)} of exact mode's passes`;
}

/** 75 → `1:15` */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const padded = String(whole % 60).padStart(2, '0');
  if (minutes < 60) return `${minutes}:${padded}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${padded}`;
}
