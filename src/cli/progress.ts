/** A search's progress: a live bar on a terminal, one plain line a step otherwise. */
import { Presets, SingleBar } from 'cli-progress';
import type { BlockPasses, SearchEvent, StepRace } from '../prune/events.ts';
import { changed, figure, percent } from './figures.ts';
import type { Terminal } from './terminal.ts';

export class SearchProgress {
  readonly #terminal: Terminal;
  #bar: SingleBar | null = null;
  #densePpl = NaN;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(event: SearchEvent): void {
    if (event.type === 'warning') this.#terminal.warn(event.message);
    if (event.type === 'progress' && this.#terminal.live) this.#showBar(event);
    if (event.type === 'dense') {
      this.#densePpl = event.perplexity.ppl;
      this.#line(`dense: perplexity ${figure(event.perplexity.ppl)}`);
    }
    if (event.type === 'step') this.#line(this.#stepLine(event));
    if (event.type === 'done') this.#line(`done: ${event.mask.size} blocks removed, stopped by ${event.stoppedBy}`);
  }

  /** Takes the bar off the screen; the last line written stays. */
  close(): void {
    this.#bar?.stop();
    this.#bar = null;
  }

  #stepLine(event: Extract<SearchEvent, { type: 'step' }>): string {
    if (event.removed === null) return `step ${event.step}: no candidate has a finite perplexity, nothing removed`;
    const { name, perplexity } = event.removed;
    return (
      `step ${event.step}: removed ${name}, perplexity ${figure(perplexity.ppl)} ` +
      `(${changed(perplexity.ppl, this.#densePpl)}), ${percent(event.ratios.total)} of parameters gone, ` +
      `${event.candidates.length} candidates${event.race === undefined ? '' : raced(event.race, event.work)}`
    );
  }

  #line(text: string): void {
    this.close();
    this.#terminal.note(text);
  }

  #showBar(event: Extract<SearchEvent, { type: 'progress' }>): void {
    const left = event.computed > 0 ? ((1 - event.fraction) / event.computed) * event.seconds : NaN;
    const payload = {
      step: event.step,
      candidates: event.candidates,
      best: event.best === null ? '' : ` · best so far ${event.best.name} ${figure(event.best.ppl)}`,
      left: Number.isFinite(left) ? duration(left) : '…',
    };
    if (this.#bar === null) {
      this.#bar = new SingleBar(
        {
          format: 'step {step} {bar} {percentage}% · {candidates} candidates · {left} left{best}',
          clearOnComplete: true,
          hideCursor: true,
          barsize: 24,
          stream: process.stderr,
          fps: 8,
        },
        Presets.shades_classic,
      );
      this.#bar.start(1000, 0, payload);
    }
    this.#bar.update(Math.floor(event.fraction * 1000), payload);
  }
}

/** `, 3 of them on all chunks, 21.4 % of exact mode's passes` */
function raced({ survivors }: StepRace, { done, exact }: BlockPasses): string {
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
