/**
 * A search whose steps are measured on another text as well. The search is as it is without: its
 * choices never see that text.
 */
import { pairedDifference } from '../eval/paired.ts';
import { aggregate, type ChunkScore } from '../eval/perplexity.ts';
import { Mask } from '../model/mask.ts';
import type { Transformer } from '../model/transformer.ts';
import { evaluating, type Evaluation } from './evaluation.ts';
import type { SearchEvent } from './events.ts';
import { mapEvents } from './mapEvents.ts';

/** The repaired models of a search that repairs in the loop. */
export interface LoopModels {
  /** The repair's settings in words. */
  readonly words: string;
  /** Whether what is left without a mask can be repaired. */
  repairs(mask: Mask): boolean;
  /** Stays its owner's, who frees it. */
  model(mask: Mask): Promise<Transformer>;
}

/**
 * The search's events: `dense` and each `step` with what they come to on the text. The dense model
 * is measured first, so that a text it cannot score ends the run before the search.
 * @param models null where the steps leave the model as pruned.
 * @throws NonFiniteError where the dense model's loss on the text is not finite.
 */
export async function* evaluatedSearch(
  search: AsyncGenerator<SearchEvent, void>,
  evaluation: Evaluation,
  models: LoopModels | null,
): AsyncGenerator<SearchEvent, void> {
  const { chunks } = evaluation;
  let mask = Mask.empty;
  let dense: readonly ChunkScore[] = [];
  for await (const event of search) {
    if (event.type === 'start') {
      yield event;
      dense = yield* mapEvents(evaluation.plain(Mask.empty), evaluating);
    } else if (event.type === 'dense') {
      const of = models === null ? 'pruned' : 'repaired';
      yield { ...event, evaluation: { perplexity: aggregate(chunks, dense), of, ...evaluation.summary(dense) } };
    } else if (event.type === 'step' && event.removed !== null) {
      mask = mask.with(event.removed.blocks);
      const after = mask;
      const scored =
        models?.repairs(after) === true
          ? evaluation.repaired(models.words, after, () => models.model(after))
          : evaluation.plain(after);
      const scores = yield* mapEvents(scored, evaluating);
      const change = pairedDifference(chunks, scores, dense);
      yield { ...event, evaluation: { perplexity: aggregate(chunks, scores), change } };
    } else yield event;
  }
}
