/**
 * The gradients of a calibration text's loss with respect to every weight of a model: what Taylor
 * scores and the derivatives of gates are made of.
 *
 * The model is differentiated block by block. The way there keeps the residual stream before each
 * block. On the way back a block runs once more, on a tape, from its stream; it gets dL/dy of its
 * output and gives dL/dx of its input. So one block's weights are in memory at a time, and the file
 * is read twice, however many chunks there are (recomputation from checkpoints: Griewank & Walther
 * 2008, ch. 12).
 *
 *   x0 ── block 0 ── x1 ── block 1 ── x2 ── head ── loss      streams are kept
 *   dx0 ◄ block 0 ◄─ dx1 ◄ block 1 ◄─ dx2 ◄ head              on tapes; gradients are handed over
 */
import type { DeviceTensor } from '../backends/backend.ts';
import type { GradientBackend, GradientScope } from '../backends/gradients.ts';
import { DataError } from '../errors.ts';
import { isScored, type Chunks } from '../eval/chunks.ts';
import { nonFiniteLoss } from '../eval/nonFinite.ts';
import type { ChunkScore } from '../eval/perplexity.ts';
import type { BlockId } from '../model/blockId.ts';
import { blockTensorNames } from '../model/blockTensors.ts';
import { turnWhenDue } from '../model/eventLoop.ts';
import { freeBlock, loadBlock } from '../model/loadBlock.ts';
import type { Mask } from '../model/mask.ts';
import { applyBlock, applyNorm, type Placement } from '../model/residualBlock.ts';
import { modelTensorNames } from '../model/tensorNames.ts';
import { Transformer } from '../model/transformer.ts';
import { walkOf } from '../model/walk.ts';
import type { WeightSource } from '../model/weights.ts';
import { embedSequences } from './embedSequences.ts';
import { GradientSums, type WeightGradient } from './gradientSums.ts';
import { readParameters, type Parameter, type Parameters } from './parameters.ts';
import { KeptArrays } from './keptArrays.ts';
import { Tape } from './tape.ts';
import { TapeWeights, wholeTrainee } from './trainee.ts';
import { uploadRope } from './uploadRope.ts';

/**
 * Rows that pass a block together: whole chunks, at least one. A constant, because it orders sums.
 */
const GROUP_ROWS = 512;
/** Rows of a chunk whose logits [rows, V] are held at once. A constant likewise. */
const HEAD_ROWS = 256;

export type GradientEvent =
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  /** One for each tensor that the loss depends on, from the head back to the embedding. */
  | ({ readonly type: 'gradient' } & WeightGradient);

/** The loss whose gradients were given. */
export interface CalibrationLoss {
  /** Nats; exp of it is the perplexity. */
  readonly nll: number;
  readonly scoredTokens: number;
}

/**
 * Gradients of the loss that eval's perplexity is exp of: each chunk's mean NLL over its targets
 * that count, and the mean of those over the chunks. Blocks in `mask` are not run and get none. A
 * tied embedding gets the sum of both its uses.
 *
 * A group's gradient has the backend's precision (f32; f64 on `referenceBackend('f64')`); groups
 * are added up in f64. The backend holds a stream [chunks · T, C] for each block, and one block's
 * weights and activations. The host holds the gradients of one block, and those of a tied head
 * until the end.
 *
 * To stop it, call `return()`, as a `for await` that is left does: it looks up after each group of
 * chunks, with turns of the event loop in between, and frees what it holds.
 * @throws NonFiniteError for a loss or a gradient that is not finite, saying where; DataError for
 * chunks longer than the model's context.
 */
export async function* lossGradients(
  backend: GradientBackend,
  source: WeightSource,
  mask: Mask,
  chunks: Chunks,
): AsyncGenerator<GradientEvent, CalibrationLoss> {
  const { maxPositionEmbeddings } = source.config;
  if (chunks.chunk > maxPositionEmbeddings) {
    throw new DataError(`chunks of ${chunks.chunk} tokens exceed the model's ${maxPositionEmbeddings} positions.`);
  }
  const arrays = new KeptArrays(backend);
  const pass = new Pass(arrays, source, mask, chunks);
  try {
    yield* pass.forward();
    const loss = yield* pass.head();
    yield* pass.backward();
    yield* pass.embedding();
    return loss;
  } finally {
    arrays.freeAll();
  }
}

/** One pass there and back. A stream is one array [n·T, C] a group of n chunks. */
class Pass {
  readonly #backend: GradientBackend;
  readonly #source: WeightSource;
  readonly #mask: Mask;
  readonly #chunks: Chunks;
  readonly #walk: readonly BlockId[];
  /** Indices of each group's chunks. */
  readonly #groups: readonly (readonly number[])[];
  /** Before each block of the walk, and after the last. */
  readonly #streams: DeviceTensor[][] = [];
  /** dL/dx of the stream that the way back has reached. */
  #slopes: DeviceTensor[] = [];
  readonly #arrays: KeptArrays;
  readonly #sums: GradientSums;
  #done = 0;

  constructor(arrays: KeptArrays, source: WeightSource, mask: Mask, chunks: Chunks) {
    this.#arrays = arrays;
    this.#backend = arrays.backend;
    this.#source = source;
    this.#mask = mask;
    this.#chunks = chunks;
    this.#walk = walkOf(source.config, mask);
    this.#groups = groupsOf(chunks);
    this.#sums = new GradientSums(source);
  }

  async *forward(): AsyncGenerator<GradientEvent, void> {
    const { config } = this.#source;
    const embedded: DeviceTensor[] = [];
    for (const group of this.#groups) {
      const ids = group.map((index) => this.#chunks.ids[index]);
      embedded.push(await embedSequences(this.#arrays, this.#source, ids));
    }
    this.#streams.push(embedded);
    for (const id of this.#walk) {
      const block = await loadBlock(this.#source, this.#backend, id);
      try {
        const after: DeviceTensor[] = [];
        for (const x of this.#streams[this.#streams.length - 1]) {
          await turnWhenDue();
          after.push(await this.#arrays.make((scope) => applyBlock(scope, config, block, x, this.#placement(scope))));
          yield this.#progress();
        }
        this.#streams.push(after);
      } finally {
        freeBlock(this.#backend, block);
      }
    }
  }

  /** Final norm, logits and loss, and back to the last stream. */
  async *head(): AsyncGenerator<GradientEvent, CalibrationLoss> {
    const { finalNorm, head, embedding } = modelTensorNames(this.#source.config);
    const parameters = await this.#read([finalNorm.weight, finalNorm.bias, head]);
    let [nll, scoredTokens] = [0, 0];
    for (const [group, stream] of (this.#streams.pop() ?? []).entries()) {
      const slopes: DeviceTensor[] = [];
      for (const [at, index] of this.#groups[group].entries()) {
        const { nats, targets } = await this.#headOfChunk(parameters, stream, at, index, slopes);
        nll += nats / targets / this.#chunks.ids.length;
        scoredTokens += targets;
        yield this.#progress();
      }
      this.#slopes.push(await this.#arrays.make((scope) => scope.stack(slopes)));
      for (const x of [...slopes, stream]) this.#arrays.free(x);
    }
    // A tied head's gradient waits for the embedding's.
    parameters.delete(embedding);
    yield* this.#sums.take(parameters);
    return { nll, scoredTokens };
  }

  async *backward(): AsyncGenerator<GradientEvent, void> {
    const { config } = this.#source;
    for (const id of this.#walk.toReversed()) {
      const parameters = await this.#read(blockTensorNames(config, id));
      const streams = this.#streams.pop() ?? [];
      for (const [group, stream] of streams.entries()) {
        const dy = this.#slopes[group];
        this.#slopes[group] = await this.#arrays.make(async (scope) => {
          const tape = new Tape(scope);
          const block = new TapeWeights(tape, wholeTrainee(config, parameters)).block(id);
          const y = applyBlock(tape, config, block, tape.input(stream), this.#placement(scope));
          tape.seed(y, dy);
          await this.#play(tape);
          return tape.derivative(stream);
        });
        for (const x of [dy, stream]) this.#arrays.free(x);
        yield this.#progress();
      }
      yield* this.#sums.take(parameters);
    }
  }

  /** Each token's row of the embedding gets dL/dx of its places, and each position's likewise. */
  async *embedding(): AsyncGenerator<GradientEvent, void> {
    const { embedding, positions } = modelTensorNames(this.#source.config);
    for (const [group, indices] of this.#groups.entries()) {
      const dx = await this.#arrays.download(this.#slopes[group]);
      this.#arrays.free(this.#slopes[group]);
      const ids = Int32Array.from(indices.flatMap((index) => [...this.#chunks.ids[index]]));
      this.#sums.addRows(embedding, dx, ids);
      if (positions !== null)
        this.#sums.addRows(
          positions,
          dx,
          ids.map((_, row) => row % this.#chunks.chunk),
        );
    }
    yield* this.#sums.take(await this.#read([embedding, positions]));
  }

  /**
   * One chunk's loss and gradients from its rows of a group's stream; `slopes` gets dL/dx of them.
   */
  async #headOfChunk(
    parameters: Parameters,
    stream: DeviceTensor,
    at: number,
    index: number,
    slopes: DeviceTensor[],
  ): Promise<ChunkScore> {
    const { config } = this.#source;
    const { finalNorm, head } = modelTensorNames(config);
    const { chunk, ids } = this.#chunks;
    const targets = ids[index].map((_, t) =>
      t + 1 < chunk && isScored(this.#chunks, index, t) ? ids[index][t + 1] : -1,
    );
    const count = targets.filter((id) => id >= 0).length;
    let nats = 0;
    for (let from = 0; from < chunk; from += HEAD_ROWS) {
      const to = Math.min(from + HEAD_ROWS, chunk);
      const slope = await this.#arrays.make(async (scope) => {
        const tape = new Tape(scope);
        const weights = new TapeWeights(tape, wholeTrainee(config, parameters));
        const x = tape.input(scope.view(stream, at * chunk + from, at * chunk + to));
        const normed = applyNorm(tape, config, weights.norm(finalNorm), x);
        const logits = tape.linear(normed, weights.linear({ weight: head, bias: null }));
        const losses = tape.crossEntropy(logits, targets.subarray(from, to), 1 / count / ids.length);
        await this.#play(tape);
        for (const loss of await this.#arrays.download(losses)) nats += loss;
        return tape.derivative(x);
      });
      slopes.push(slope);
    }
    if (!Number.isFinite(nats)) throw await this.#nonFinite(index, nats);
    return { nats, targets: count };
  }

  /** Plays a tape and adds its gradients up. */
  async #play(tape: Tape): Promise<void> {
    for (const finished of tape.gradients()) {
      await turnWhenDue();
      if (finished !== null) this.#sums.add(finished.name, await this.#arrays.download(finished.gradient));
    }
  }

  #read(names: readonly (string | null)[]): Promise<Map<string, Parameter>> {
    return readParameters(
      this.#source,
      names.filter((name) => name !== null),
    );
  }

  #placement(scope: GradientScope): Placement {
    const { chunk } = this.#chunks;
    return { seqLen: chunk, start: 0, rope: uploadRope(scope, this.#source.config, chunk), cache: null };
  }

  #progress(): GradientEvent {
    this.#done++;
    return {
      type: 'progress',
      done: this.#done,
      total: 2 * this.#walk.length * this.#groups.length + this.#chunks.ids.length,
    };
  }

  async #nonFinite(index: number, nats: number): Promise<Error> {
    this.#arrays.freeAll();
    const model = await Transformer.load(this.#source, this.#backend, Infinity);
    try {
      return await nonFiniteLoss(model, this.#chunks, this.#mask, index, nats);
    } finally {
      model.free();
    }
  }
}

function groupsOf({ ids, chunk }: Chunks): number[][] {
  const size = Math.max(1, Math.floor(GROUP_ROWS / chunk));
  const groups: number[][] = [];
  for (let from = 0; from < ids.length; from += size) {
    groups.push(Array.from({ length: Math.min(size, ids.length - from) }, (_, at) => from + at));
  }
  return groups;
}
