/**
 * How likely a model finds continuations of contexts: what multiple-choice tasks are scored by.
 *
 * The model reads context and continuation as one sequence, without the last token, whose successor
 * nobody asks for. Row m − 1 + i of a context of m tokens predicts token i of the continuation.
 * Sequences of one length go through the model together; none is padded, so that an item scores to
 * the last bit as it would alone. Items that make the model read the same tokens share the walk, as
 * single tokens after one context do; contexts that longer continuations share are read again for
 * each.
 */
import type { DeviceTensor } from '../backends/backend.ts';
import { DataError, NonFiniteError, UsageError } from '../errors.ts';
import { headArgmax } from '../model/head.ts';
import type { Mask } from '../model/mask.ts';
import { consume, withScope } from '../model/ownership.ts';
import { traceNonFinite } from '../model/traceNonFinite.ts';
import type { Transformer } from '../model/transformer.ts';

/** Token ids; at least one each. Where a context is to be the beginning of a text, it is a BOS. */
export interface Continuation {
  readonly context: readonly number[];
  readonly continuation: readonly number[];
}

export interface Likelihood {
  /** The item's place among those given: results come as they are computed, long items first. */
  readonly index: number;
  /** Σ ln p(token | all before it) over the continuation, in nats: at most 0. */
  readonly nats: number;
  /**
   * Whether greedy decoding after the context writes the continuation: each token has the highest
   * logit.
   */
  readonly greedy: boolean;
}

/** An item with what the model reads of it. */
interface Member extends Continuation {
  readonly index: number;
  readonly read: Int32Array;
}

/**
 * Items whose sequences are of one length. A sequence that several of them read stands there once.
 */
interface Batch {
  readonly sequences: Int32Array[];
  /** With the place of the item's sequence. */
  readonly members: { member: Member; sequence: number }[];
}

/**
 * Scores continuations under a mask, each once; with equal logits the lowest id is the greedy one.
 * @param rows tokens that go through the model at once, and rows through its head: what bounds
 * memory. At least those of the longest item.
 * @throws DataError for an item without context or continuation, with an id outside the vocabulary,
 * or longer than the model's context: nothing is cut off silently. UsageError for rows that do not
 * hold an item. NonFiniteError where the whole model's likelihood is not finite; without some
 * blocks it may be, and `nats` is then NaN or infinite.
 */
export async function* logLikelihoods(
  model: Transformer,
  mask: Mask,
  items: readonly Continuation[],
  rows: number,
): AsyncGenerator<Likelihood, void> {
  if (!(Number.isSafeInteger(rows) && rows >= 1)) {
    throw new UsageError(`must be a whole number from 1 on, not ${rows}.`, { where: 'rows' });
  }
  const members = items.map((item, index) => checked(item, index, model, rows));
  for (const batch of batchesOf(members, rows)) yield* scored(model, mask, batch);
}

function checked(
  { context, continuation }: Continuation,
  index: number,
  { config }: Transformer,
  rows: number,
): Member {
  const where = `item ${index}`;
  if (context.length === 0) {
    throw new DataError('has an empty context, after which nothing is predicted.', {
      where,
      remedy: "Begin it with the tokenizer's BOS or end-of-text id.",
    });
  }
  if (continuation.length === 0) throw new DataError('has an empty continuation.', { where });
  const all = [...context, ...continuation];
  const wrong = all.find((id) => !(Number.isInteger(id) && id >= 0 && id < config.vocabSize));
  if (wrong !== undefined) {
    throw new DataError(`token id ${wrong} is outside the model's vocabulary of ${config.vocabSize}.`, {
      where,
      remedy: "Use ids of this model's own tokenizer.",
    });
  }
  const read = Int32Array.from(all.slice(0, -1));
  if (read.length > config.maxPositionEmbeddings) {
    throw new DataError(
      `${all.length} tokens are too many for the model's context of ${config.maxPositionEmbeddings}.`,
      { where, remedy: 'Shorten its context: the end of it matters most.' },
    );
  }
  if (read.length > rows) {
    throw new UsageError(`${read.length} tokens do not fit ${rows} rows.`, {
      where,
      remedy: `Give ${read.length} rows or more.`,
    });
  }
  return { context, continuation, index, read };
}

/** Long sequences first: what does not fit into memory is known at once. */
function* batchesOf(members: readonly Member[], rows: number): Generator<Batch, void> {
  const sharing = grouped(members, ({ read }) => read.join(' '));
  const byLength = grouped(sharing.values(), ([{ read }]) => read.length);
  for (const [length, sequences] of [...byLength].toSorted(([a], [b]) => b - a)) {
    let batch: Batch = { sequences: [], members: [] };
    let predicted = 0;
    for (const readers of sequences) {
      let begun = false;
      for (const member of readers) {
        const needed = (batch.sequences.length + (begun ? 0 : 1)) * length;
        if (needed > rows || predicted + member.continuation.length > rows) {
          yield batch;
          batch = { sequences: [], members: [] };
          [predicted, begun] = [0, false];
        }
        if (!begun) batch.sequences.push(member.read);
        begun = true;
        batch.members.push({ member, sequence: batch.sequences.length - 1 });
        predicted += member.continuation.length;
      }
    }
    yield batch;
  }
}

function grouped<T, K>(values: Iterable<T>, keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

async function* scored(model: Transformer, mask: Mask, batch: Batch): AsyncGenerator<Likelihood, void> {
  const x = await model.walk(batch.sequences, mask);
  const predicting = await consume(model.backend, x, () => predictingRows(model, batch, x));
  const targets = Int32Array.from(batch.members.flatMap(({ member }) => member.continuation));
  const [best, nll] = await bestAndNll(model, predicting, targets);
  let row = 0;
  for (const { member } of batch.members) {
    let nats = 0;
    let greedy = true;
    for (const end = row + member.continuation.length; row < end; row++) {
      nats -= nll[row];
      greedy &&= best[row] === targets[row];
    }
    if (mask.size === 0 && !Number.isFinite(nats)) throw await notFinite(model, mask, member, nats);
    yield { index: member.index, nats, greedy };
  }
}

/** The rows that predict the continuations, item after item: [Σ tokens of continuations, C]. */
function predictingRows(model: Transformer, { sequences, members }: Batch, x: DeviceTensor): Promise<DeviceTensor> {
  const [{ length }] = sequences;
  return withScope(model.backend, (scope) => {
    const parts = members.map(({ member, sequence }) => {
      const from = sequence * length + member.context.length - 1;
      return scope.view(x, from, from + member.continuation.length);
    });
    return scope.keep(scope.stack(parts));
  });
}

/** Of each row, the id with the highest logit and the NLL of its target. Frees x. */
async function bestAndNll(
  model: Transformer,
  x: DeviceTensor,
  targets: Int32Array,
): Promise<[best: Int32Array, nll: Float32Array]> {
  let best: Int32Array;
  try {
    best = await headArgmax(model.pieces, x);
  } catch (error) {
    model.backend.free(x);
    throw error;
  }
  const [nll] = await model.headNll([x], targets);
  return [best, nll];
}

async function notFinite(
  model: Transformer,
  mask: Mask,
  { index, read, continuation }: Member,
  nats: number,
): Promise<NonFiniteError> {
  const all = Int32Array.of(...read, continuation[continuation.length - 1]);
  const origin = await traceNonFinite(model, all, mask);
  const begins = origin === null ? '' : ` It begins in ${origin.place}: ${origin.reason}.`;
  return new NonFiniteError(`the log-likelihood is ${nats}.${begins}`, { where: `item ${index}` });
}
