/**
 * What `run` hands to a method: the model, the text, and the journal behind `once`, `price` and
 * `search`.
 */
import type { GradientBackend } from '../backends/gradients.ts';
import { UnsupportedBackendError, UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { requireFiniteLoss } from '../eval/nonFinite.ts';
import { aggregate, type ChunkScore, type Perplexity } from '../eval/perplexity.ts';
import { denseOutputBytes } from '../model/denseOutputs.ts';
import { Mask } from '../model/mask.ts';
import { countParameters } from '../model/parameters.ts';
import type { Transformer } from '../model/transformer.ts';
import { appendAll } from './appendAll.ts';
import { candidatesLeft, type Candidate, type PruneKind } from './candidates.ts';
import { evaluatedSearch } from './evaluatedSearch.ts';
import type { Evaluation } from './evaluation.ts';
import type { Journal } from './journal.ts';
import type { Subject, Telling } from './method.ts';
import { mapEvents } from './mapEvents.ts';
import { once } from './once.ts';
import { DenseChunks } from './pricing/denseChunks.ts';
import { localPricer } from './pricing/localPricer.ts';
import { planGroup } from './pricing/plan.ts';
import type { Protected } from './protect.ts';
import type { Pricer } from './pricing/pricer.ts';
import type { WalkKeeper } from './pricing/walkKeeper.ts';
import { chooseRepaired } from './repair/chooseRepaired.ts';
import { RepairedPricer } from './repair/repairedPricer.ts';
import type { Repairs } from './repair/repairs.ts';
import { search } from './search.ts';

export interface SubjectOptions {
  model: Transformer;
  chunks: Chunks;
  kind: PruneKind;
  kept?: Protected;
  activationBytes: number;
  checkpointBytes?: number;
  /** Whether KL divergences from the dense model are measured. */
  kl?: boolean;
  /** The run's repair, for a search that chooses by it. */
  repairs?: Repairs | null;
  /** The text of `--eval`, which is measured on what each step leaves. */
  evaluation?: Evaluation | null;
  /** Keeps sweeps that are under way. */
  keeper?: WalkKeeper | null;
}

/** @param gradients null where the method did not ask for them. */
export function subjectOf(options: SubjectOptions, journal: Journal, gradients: GradientBackend | null): Subject {
  const { model, chunks, kind, kept, evaluation = null, keeper = null, kl = false } = options;
  const candidates = candidatesLeft(kind, model.config, Mask.empty, kept);
  const counts = countParameters(model.source);
  const groupOf = (streams: number): number =>
    planGroup(model, chunks.chunk, streams, options.activationBytes - (kl ? denseOutputBytes(model.config) : 0));

  const remember: Subject['once'] = (key, compute) => once(journal, key, compute);

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
    once: remember,
    price(some) {
      const pricer = localPricer(model, chunks, { groupSize: groupOf(some.length), keeper });
      return price(model, chunks, pricer, some, remember);
    },
    async *search({ stop, order, race, leaders, metric }) {
      const groupSize = groupOf(order === undefined ? candidates.length : 1);
      // A race visits other chunks in each step: streams kept from one would not serve the next.
      const spare = options.checkpointBytes ?? 0;
      const keptBytes = kl ? Math.min(spare / 2, DenseChunks.bytesOf(model, chunks)) : 0;
      const dense = kl ? new DenseChunks(model, chunks, keptBytes) : null;
      const checkpointBytes = race === undefined ? spare - keptBytes : 0;
      const repairs = leaders === undefined ? null : requireRepairs(options);
      const repaired = repairs === null ? null : new RepairedPricer(model, chunks, repairs, groupSize, keeper, dense);
      const pricer = repaired ?? localPricer(model, chunks, { groupSize, checkpointBytes, keeper, dense });
      const input = { model, chunks, journal, pricer };
      const choose = repairs === null ? undefined : chooseRepaired(input, repairs, leaders ?? 1);
      let mask = Mask.empty;
      try {
        const events = search(input, { kind, stop, kept, race, order, choose, metric });
        const evaluated = evaluation === null ? events : evaluatedSearch(events, evaluation, repaired);
        for await (const event of evaluated) {
          if (event.type === 'done') mask = event.mask;
          yield event;
        }
      } finally {
        await pricer.close();
      }
      return mask;
    },
  };
}

/** @throws UsageError where the run repairs nothing. */
function requireRepairs({ repairs = null }: SubjectOptions): Repairs {
  if (repairs !== null) return repairs;
  throw new UsageError('the search is to choose by prices after repair, and the run has no repair.', {
    remedy: "Give the run its option 'repair'.",
  });
}

/** One job a group of chunks; what a group gave is kept, and says itself where the next begins. */
async function* price(
  model: Transformer,
  chunks: Chunks,
  pricer: Pricer,
  candidates: readonly Candidate[],
  remember: Subject['once'],
): Telling<Perplexity[]> {
  const names = candidates.map(({ name }) => name).join(' ');
  const total = chunks.ids.length;
  const scores: ChunkScore[][] = candidates.map(() => []);
  try {
    for (let from = 0; from < total;) {
      const first = from;
      const group = yield* remember(`prices of ${names} from chunk ${first}`, async function* () {
        const count = Math.min(pricer.groupSize, total - first);
        const job = { mask: Mask.empty, candidates, chunks: Array.from({ length: count }, (_, at) => first + at) };
        const priced = yield* mapEvents(pricer.price(job), ({ share }) => {
          return { type: 'scoring', fraction: (first + share * count) / total } as const;
        });
        // The whole model must be sound; without a block it need not be.
        await requireFiniteLoss(model, chunks, Mask.empty, priced.base, first);
        return priced.scores.map((rows) => rows.map(({ nats, targets }) => ({ nats, targets })));
      });
      for (const [candidate, own] of group.entries()) appendAll(scores[candidate], own);
      from += group[0].length;
    }
  } finally {
    await pricer.close();
  }
  return scores.map((own) => aggregate(chunks, own));
}
