import type { Figures, TrainEvent } from '../train/train.ts';
import { figure } from './figures.ts';
import { losesOnInterruption, resumesOnInterruption } from './interruption.ts';
import type { Terminal } from './terminal.ts';

/** Seconds between lines. */
const PAUSE = 5;

/** A training run's progress: now and then a line with loss, tokens a second and the time left. */
export class TrainingProgress {
  readonly #terminal: Terminal;
  readonly #fresh: boolean;
  #steps = 0;
  #since = { time: performance.now(), steps: 0, tokens: 0, loss: 0 };

  /** @param fresh whether the run was told to start over. */
  constructor(terminal: Terminal, fresh: boolean) {
    this.#terminal = terminal;
    this.#fresh = fresh;
  }

  show(event: TrainEvent): void {
    if (event.type === 'warning') this.#terminal.warn(event.message);
    if (event.type === 'saved') resumesOnInterruption(this.#fresh, `after step ${event.step}`);
    if (event.type === 'start') {
      if (event.step > 0) resumesOnInterruption(this.#fresh, `after step ${event.step}`);
      else losesOnInterruption('interrupted before the first checkpoint; the same command starts over.');
      this.#steps = event.steps;
      const share = event.trained === event.parameters ? '' : `, ${event.trained.toLocaleString('en')} of them trained`;
      const from = event.step === 0 ? '' : `, resuming after step ${event.step}`;
      this.#terminal.note(`${event.parameters.toLocaleString('en')} parameters${share}; ${event.steps} steps${from}`);
      this.#restart();
    }
    if (event.type === 'measured') {
      this.#terminal.note(`step ${event.step}: ${figuresText(event.figures)}`);
      this.#restart();
    }
    if (event.type === 'step') this.#step(event);
  }

  #step({ step, loss, lr, gradientNorm, tokens }: Extract<TrainEvent, { type: 'step' }>): void {
    const since = this.#since;
    since.steps++;
    since.tokens += tokens;
    since.loss += loss;
    const seconds = (performance.now() - since.time) / 1000;
    if (seconds < PAUSE && step < this.#steps) return;
    const left = ((this.#steps - step) * seconds) / since.steps;
    this.#terminal.note(
      `step ${step} of ${this.#steps}: loss ${(since.loss / since.steps).toFixed(4)}, ` +
        `${Math.round(since.tokens / seconds).toLocaleString('en')} tokens/s, rate ${lr.toExponential(2)}, ` +
        `gradient ${figure(gradientNorm)}, ${left < 90 ? `${Math.round(left)} s` : `${Math.round(left / 60)} min`} left`,
    );
    this.#restart();
  }

  #restart(): void {
    this.#since = { time: performance.now(), steps: 0, tokens: 0, loss: 0 };
  }
}

/** `loss 1.5123, perplexity 4.537` */
export function figuresText(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${figure(value)}`)
    .join(', ');
}
