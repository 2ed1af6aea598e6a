/**
 * The story of a forward pass, told once and run by every backend:
 *
 *   ids [B, T] → embedding → residual stream x [B·T, C]
 *   → for each block that is not masked, in order: x ← x + branch(norm(x))
 *   → final norm → LM head → log-sum-exp over the vocabulary
 *   → one negative log-likelihood (NLL) for each token that has a successor.
 *
 * B sequences of T tokens each are stacked: row b·T + t of the stream is token t of sequence b,
 * with C = hiddenSize numbers. A mask names the blocks that are removed. `walkOf` lists the others
 * in order; a removed block adds nothing to x, and nothing else changes.
 *
 * A stream is a `DeviceTensor`: a handle of an array in the backend's memory, which no op changes.
 * A block makes a new stream. The old one is freed once nobody needs it: `consume(backend, x, use)`
 * frees x after `use`, and `withScope` frees all that was made in it, except what `scope.keep` got.
 * A scope also is what runs the operations (`Ops`) that a block is composed of.
 */
import type { Backend, DeviceTensor, NllSum } from '../backends/backend.ts';
import type { BlockId } from './blockId.ts';
import type { ModelConfig } from './config.ts';
import { denseOutputs, type DenseOutputs } from './denseOutputs.ts';
import { embeddingOf } from './embedding.ts';
import { turnWhenDue } from './eventLoop.ts';
import { headFigures, headLogits, headNll, type HeadFigures } from './head.ts';
import type { KvCache } from './kvCache.ts';
import { Mask } from './mask.ts';
import { consume, withScope } from './ownership.ts';
import { applyBlock, type Placement } from './residualBlock.ts';
import { applyTapped, type Tap } from './tap.ts';
import { walkOf } from './walk.ts';
import { WeightPieces } from './weightPieces.ts';
import type { WeightSource } from './weights.ts';

export class Transformer {
  readonly source: WeightSource;
  readonly backend: Backend;
  readonly config: ModelConfig;
  /** Precision of the sum over the vocabulary, f64 or f32: perplexities differ by it. */
  readonly nllSum: NllSum;
  /** The weights: read from the file, and laid out for the backend, when the walk needs them. */
  readonly pieces: WeightPieces;

  private constructor(pieces: WeightPieces, nllSum: NllSum) {
    this.source = pieces.source;
    this.backend = pieces.backend;
    this.config = pieces.config;
    this.nllSum = nllSum;
    this.pieces = pieces;
  }

  /**
   * @param weightBytes budget for packed weights. The largest block or head tile must fit.
   * @throws MemoryBudgetError when it does not.
   */
  static async load(
    source: WeightSource,
    backend: Backend,
    weightBytes: number,
    nllSum: NllSum = 'f64',
  ): Promise<Transformer> {
    return new Transformer(await WeightPieces.open(source, backend, weightBytes), nllSum);
  }

  /**
   * The whole story: how likely a model without the masked blocks finds some text.
   * @param ids [B][T], of equal length T.
   * @returns [B][T − 1]: entry t is −ln p(token t + 1 | tokens 0 … t) in nats.
   */
  async nll(ids: readonly Int32Array[], mask: Mask): Promise<Float32Array[]> {
    const x = await this.walk(ids, mask);
    const [rows] = await this.headNll([x], nextTokens(ids));
    return bySequence(rows, ids);
  }

  /**
   * From token ids to the residual stream after the last block, [B·T, C].
   * @param tap is shown each block's streams and inputs, for pruning methods; it changes no bit.
   */
  async walk(ids: readonly Int32Array[], mask: Mask, tap: Tap | null = null): Promise<DeviceTensor> {
    const seqLen = ids[0].length;
    let x = await this.embed(ids);
    for (const block of walkOf(this.config, mask)) {
      x = await consume(this.backend, x, (before) => this.block(block, before, seqLen, tap));
    }
    return x;
  }

  /**
   * Token embedding, plus the position's where positions are learned: ids [B][T] → x [B·T, C].
   * @throws DataError for an id outside the vocabulary or positions beyond a learned table.
   */
  async embed(ids: readonly Int32Array[], start = 0): Promise<DeviceTensor> {
    const x = await embeddingOf(this.source, ids, start);
    const { hiddenSize } = this.config;
    return withScope(this.backend, (scope) => scope.keep(scope.upload(x, x.length / hiddenSize, hiddenSize)));
  }

  /**
   * One residual block: x [n·T, C] → x + branch(norm(x)). x stays as it was.
   * @param cache when x is the continuation of a sequence: its new keys and values are appended.
   */
  async block(
    id: BlockId,
    x: DeviceTensor,
    seqLen: number,
    tap: Tap | null = null,
    cache: KvCache | null = null,
  ): Promise<DeviceTensor> {
    // Timers, signals and messages get a turn now and then.
    await turnWhenDue();
    const start = cache === null ? 0 : cache.length;
    const rope = this.pieces.rope(start + seqLen);
    const block = await this.pieces.block(id);
    return withScope(this.backend, async (scope) => {
      const at: Placement = { seqLen, start, rope, cache: cache === null ? null : cache.appender(id, scope) };
      const after =
        tap === null
          ? applyBlock(scope, this.config, block, x, at)
          : await applyTapped(tap, scope, this.config, block, x, at);
      return scope.keep(after);
    });
  }

  /**
   * Final norm and LM head: each row's −log softmax(logits)[target], without keeping the logits.
   * @param streams [R, C] each. Streams of several candidates may be stacked to one of [m·R, C].
   * They are freed, or handed to `release`, also on failure.
   * @param targets [R], each row's next token, −1 = none; the same for all streams.
   * @returns [stream][R], or [stream][m·R] of stacked ones.
   */
  headNll(
    streams: readonly DeviceTensor[],
    targets: Int32Array,
    release: (stream: DeviceTensor) => void = (stream) => this.backend.free(stream),
  ): Promise<Float32Array[]> {
    return headNll(this.pieces, streams, targets, this.nllSum, release);
  }

  /** The same, and with a dense model's outputs for the same rows each row's KL from it. */
  headFigures(
    streams: readonly DeviceTensor[],
    targets: Int32Array,
    release: (stream: DeviceTensor) => void,
    dense: DenseOutputs | null,
  ): Promise<HeadFigures[]> {
    return headFigures(this.pieces, streams, { targets, nllSum: this.nllSum, dense }, release);
  }

  /** What KL needs to know of this model's predictions for chunks [B][T]; rows as in a stream. */
  async outputs(ids: readonly Int32Array[]): Promise<DenseOutputs> {
    return consume(this.backend, await this.walk(ids, Mask.empty), async (x) => {
      const targets = nextTokens(ids);
      const [nll] = await this.headNll([x], targets, () => {});
      return denseOutputs(this.pieces, x, nll, targets);
    });
  }

  /** Logits [R, V] of a stream's rows, for sampling; perplexity never needs them. Frees x. */
  logits(x: DeviceTensor): Promise<Float32Array> {
    return consume(this.backend, x, (rows) => headLogits(this.pieces, rows));
  }

  /** Frees everything held on the backend. */
  free(): void {
    this.pieces.free();
  }
}

/** Each row's next token in its own sequence; −1 for the last of each. */
export function nextTokens(ids: readonly Int32Array[]): Int32Array {
  const seqLen = ids[0].length;
  const targets = new Int32Array(ids.length * seqLen).fill(-1);
  for (const [sequence, tokens] of ids.entries()) targets.set(tokens.subarray(1), sequence * seqLen);
  return targets;
}

/** One number a row, [B·T], as [B][T − 1]: a sequence's last row has no next token. */
export function bySequence(rows: Float32Array, ids: readonly Int32Array[]): Float32Array[] {
  const seqLen = ids[0].length;
  return ids.map((_, sequence) => rows.subarray(sequence * seqLen, (sequence + 1) * seqLen - 1));
}
