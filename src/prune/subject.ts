/** What `run` hands to a method: the model, the text, and the journal behind `once`, `price` and `search`. */
import type { GradientBackend } from '../backends/gradients.ts';
import { UnsupportedBackendError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { requireFiniteLoss } from '../eval/nonFinite.ts';
import { aggregate, scoreChunk, type ChunkScore, type Perplexity } from '../eval/perplexity.ts';
import { Mask } from '../model/mask.ts';
import { countParameters } from '../model/parameters.ts';
import type { Transformer } from '../model/transformer.ts';
import { appendAll } from './appendAll.ts';
import { candidatesLeft, type Candidate, type PruneKind } from './candidates.ts';
import type { Journal } from './journal.ts';
import { decodeKept, encodeKept, type Kept } from './journalPiece.ts';
import type { Subject, Telling } from './method.ts';
import { planGroup } from './pricing/plan.ts';
import { search } from './search.ts';
import { sweep } from './pricing/sweep.ts';

export interface SubjectOptions {
  model: Transformer;
  chunks: Chunks;
  kind: PruneKind;
  activationBytes: number;
  checkpointBytes?: number;
}

/** @param gradients null where the method did not ask for them. */
export function subjectOf(options: SubjectOptions, journal: Journal, gradients: GradientBackend | null): Subject {
  const { model, chunks, kind } = options;
  const candidates = candidatesLeft(kind, model.config, Mask.empty);
  const counts = countParameters(model.source);
  const groupOf = (streams: number): number => planGroup(model.config, chunks.chunk, streams, options.activationBytes);

  const once: Subject['once'] = async function* <T extends Kept>(
    key: string,
    compute: () => Promise<T> | Telling<T>,
  ): Telling<T> {
    const kept = journal.piece(key);
    if (kept !== null) return kept.value as T;
    const started = performance.now();
    const found = compute();
    const value = found instanceof Promise ? await found : yield* found;
    await journal.addPiece({ type: 'piece', key, seconds: (performance.now() - started) / 1000, value });
    // As a resumed run reads it, so that both go on with the same.
    return decodeKept(encodeKept(value)) as T;
  };

  return {
    model,
    counts,
    chunks,
    kind,
    candidates,
    gradients() {
      if (gradients !== null) return Promise.resolve(gradients);
      throw new UnsupportedBackendError("the method uses gradients and does not list 'gradients' in its needs.");
    },
    once,
    price: (some) => price(model, chunks, some, groupOf(some.length), once),
    async *search({ stop, order, race }) {
      const groupSize = groupOf(order === undefined ? candidates.length : 1);
      const settings = { kind, stop, groupSize, checkpointBytes: options.checkpointBytes, race, order };
      let mask = Mask.empty;
      for await (const event of search(model, chunks, counts, settings, journal)) {
        if (event.type === 'done') mask = event.mask;
        yield event;
      }
      return mask;
    },
  };
}

/** One sweep a group of chunks; what a group gave is kept, and says itself where the next begins. */
async function* price(
  model: Transformer,
  chunks: Chunks,
  candidates: readonly Candidate[],
  groupSize: number,
  once: Subject['once'],
): Telling<Perplexity[]> {
  const names = candidates.map(({ name }) => name).join(' ');
  const total = chunks.ids.length;
  const scores: ChunkScore[][] = candidates.map(() => []);
  for (let from = 0; from < total;) {
    const first = from;
    const group = yield* once(`prices of ${names} from chunk ${first}`, async function* () {
      const ids = chunks.ids.slice(first, first + groupSize);
      const walk = sweep(model, ids, Mask.empty, candidates);
      let next = await walk.next();
      try {
        for (; next.done !== true; next = await walk.next()) {
          const done = (next.value.passes / next.value.totalPasses) * ids.length;
          yield { type: 'scoring', fraction: (first + done) / total };
        }
      } finally {
        // Abandoned, the sweep frees its streams.
        await walk.return(undefined as never);
      }
      const score = (rows: readonly Float32Array[]): ChunkScore[] =>
        rows.map((nll, i) => scoreChunk(chunks, first + i, nll));
      // The whole model must be sound; without a block it need not be.
      await requireFiniteLoss(model, chunks, Mask.empty, score(next.value.base), first);
      return next.value.candidates.map((rows) => score(rows).map(({ nats, targets }) => ({ nats, targets })));
    });
    for (const [candidate, own] of group.entries()) appendAll(scores[candidate], own);
    from += group[0].length;
  }
  return scores.map((own) => aggregate(chunks, own));
}
