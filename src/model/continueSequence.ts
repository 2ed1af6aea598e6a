import type { KvCache } from './kvCache.ts';
import type { Mask } from './mask.ts';
import { consume, withScope } from './ownership.ts';
import type { Transformer } from './transformer.ts';
import { walkOf } from './walk.ts';

/**
 * Runs new tokens of one sequence through the blocks that `mask` leaves, and appends their keys and
 * values to `cache`.
 * @returns the logits [V] after the last token.
 */
export async function continueSequence(
  model: Transformer,
  ids: Int32Array,
  mask: Mask,
  cache: KvCache,
): Promise<Float32Array> {
  const { backend } = model;
  let x = await model.embed([ids], cache.length);
  for (const block of walkOf(model.config, mask)) {
    x = await consume(backend, x, (before) => model.block(block, before, ids.length, null, cache));
  }
  cache.length += ids.length;
  const last = await consume(backend, x, (rows) => {
    return withScope(backend, (scope) => backend.download(scope.view(rows, rows.rows - 1, rows.rows)));
  });
  return model.logits(backend.store(last, 1, last.length));
}
