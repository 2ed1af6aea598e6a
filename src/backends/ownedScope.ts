import type { DeviceTensor } from './backend.ts';
import type { Handle, LinearHandle, NllHandle, Rules } from './handles.ts';

/**
 * What every backend's scope does with memory: it owns what is made in it, shares it as views,
 * hands single arrays out, and frees the rest when it closes.
 */
export abstract class OwnedScope<T extends Handle, L extends LinearHandle, N extends NllHandle> {
  protected readonly rules: Rules<T, L, N>;
  /** Arrays and views made here and not kept. */
  readonly #made = new Set<T>();
  #closed = false;

  constructor(rules: Rules<T, L, N>) {
    this.rules = rules;
  }

  /** @throws DisposedError where the backend does not run any more. */
  protected abstract expectRunning(): void;
  /** `rows · cols` elements of `source` from element `at` on, shared. */
  protected abstract share(source: T, at: number, rows: number, cols: number): T;
  /** Marks a handle dead, and gives its memory back unless it is a view. */
  protected abstract release(handle: T): void;

  view(x: DeviceTensor, from: number, to: number): DeviceTensor {
    const source = this.rules.rows('view', x, from, to);
    this.expectOpen('view');
    return this.adopt(this.share(source, from * source.cols, to - from, source.cols));
  }

  reshape(x: DeviceTensor, rows: number, cols: number): DeviceTensor {
    const source = this.rules.own('reshape', x);
    this.rules.size('reshape', rows, cols, source.length);
    this.expectOpen('reshape');
    return this.adopt(this.share(source, 0, rows, cols));
  }

  keep(x: DeviceTensor): DeviceTensor {
    this.expectOpen('keep');
    const handle = this.rules.own('keep', x);
    this.rules.check('keep', !handle.isView, () => 'a view owns no memory and cannot be kept');
    this.rules.check(
      'keep',
      this.#made.delete(handle),
      () => 'the array was not made in this scope, or is kept already',
    );
    handle.scoped = false;
    return handle;
  }

  close(): void {
    this.rules.check('close', !this.#closed, () => 'the scope is closed');
    this.#closed = true;
    for (const handle of this.#made) this.release(handle);
    this.#made.clear();
  }

  /** From now on the handle is this scope's. */
  protected adopt(handle: T): T {
    handle.scoped = true;
    this.#made.add(handle);
    return handle;
  }

  /** To be called before anything is made. */
  protected expectOpen(op: string): void {
    this.expectRunning();
    this.rules.check(op, !this.#closed, () => 'the scope is closed');
  }
}
