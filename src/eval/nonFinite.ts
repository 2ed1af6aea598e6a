/**
 * A loss that is NaN or infinite is an error that says where it began; perplexity, search and
 * healing all call this.
 */
import { NonFiniteError } from '../errors.ts';
import type { Mask } from '../model/mask.ts';
import { traceNonFinite } from '../model/traceNonFinite.ts';
import type { Transformer } from '../model/transformer.ts';
import type { Chunks } from './chunks.ts';

/**
 * @param scores of the chunks from `first` on.
 * @returns why the first that is not finite is not, naming chunk, block and tensor; null where all
 * are.
 */
export async function firstNonFinite(
  model: Transformer,
  chunks: Chunks,
  mask: Mask,
  scores: readonly { readonly nats: number }[],
  first = 0,
): Promise<NonFiniteError | null> {
  const at = scores.findIndex(({ nats }) => !Number.isFinite(nats));
  return at < 0 ? null : nonFiniteLoss(model, chunks, mask, first + at, scores[at].nats);
}

/** @throws NonFiniteError as `firstNonFinite` finds it. */
export async function requireFiniteLoss(...of: Parameters<typeof firstNonFinite>): Promise<void> {
  const found = await firstNonFinite(...of);
  if (found !== null) throw found;
}

/**
 * Losses that are finite, but so large that exp of their mean is not.
 * @throws NonFiniteError
 */
export function requireFinitePerplexity(
  name: string,
  { ppl, nll }: { readonly ppl: number; readonly nll: number },
): void {
  if (Number.isFinite(ppl) || !Number.isFinite(nll)) return;
  throw new NonFiniteError(`the dense model's mean loss of ${Math.round(nll)} nats is too large for a perplexity.`, {
    where: name,
    remedy:
      'Every number is finite, so look at the model: does it fit its tokenizer, are its norms scaled as they should be?',
  });
}

/** Why the loss of chunk `index`, from 0 on, is not finite. */
export async function nonFiniteLoss(
  model: Transformer,
  chunks: Chunks,
  mask: Mask,
  index: number,
  nats: number,
): Promise<NonFiniteError> {
  const origin = await traceNonFinite(model, chunks.ids[index], mask);
  const which = mask.size === 0 ? '' : ` without ${mask.toString()}`;
  const loss = `the loss of chunk ${index + 1} of ${chunks.ids.length}${which} is ${Number.isNaN(nats) ? 'NaN' : 'infinite'}`;
  const where = model.source.name;
  if (origin === null) {
    return new NonFiniteError(`${loss}, but finite when it is computed again: the backend is not reliable.`, {
      where,
      remedy: 'Try --backend reference.',
    });
  }
  return new NonFiniteError(`${loss}: in ${origin.place}, ${origin.reason}.`, {
    where,
    remedy: remedyOf(origin.stored),
  });
}

function remedyOf(stored: boolean): string {
  return stored
    ? 'The file is damaged, or was saved like that: download or export it again.'
    : 'The weights there are finite, but their numbers outgrow f32.';
}
