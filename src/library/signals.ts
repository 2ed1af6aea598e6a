import { UsageError } from '../errors.ts';
import type { Signal } from './model.ts';

/**
 * Lets a controller abort when a signal does, with its reason.
 * @returns what ends that.
 * @throws UsageError for what is no signal.
 */
export function follow(controller: AbortController, signal: Signal | undefined): () => void {
  if (signal === undefined) return () => {};
  if (typeof signal?.addEventListener !== 'function')
    throw new UsageError('must be an AbortSignal.', { where: 'signal' });
  const abort = (): void => controller.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return () => signal.removeEventListener('abort', abort);
}
