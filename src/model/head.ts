/**
 * Final norm and LM head. The head is taken tile by tile over the vocabulary, so neither its packed
 * weights nor the logits [R, V] are ever in memory as a whole.
 */
import type { DeviceTensor, NllState, NllSum } from '../backends/backend.ts';
import { divergences, projected, type DenseOutputs } from './denseOutputs.ts';
import { turnWhenDue } from './eventLoop.ts';
import { consume, withScope } from './ownership.ts';
import { applyNorm } from './residualBlock.ts';
import { HEAD_TILE, type WeightPieces } from './weightPieces.ts';

/** What the head says of a stream: a number for each of its rows. */
export interface HeadFigures {
  /** Negative log-likelihoods in nats; NaN where a row has no target. */
  readonly nll: Float32Array;
  /** KL divergences from a dense model in nats; only where its outputs were given. */
  readonly kl?: Float32Array;
}

/** What the head is asked of streams. */
export interface HeadTask {
  /**
   * [R]: each row's next token, −1 = none. A stream of n stacked ones has them n times.
   */
  readonly targets: Int32Array;
  /** How a row's log-sum-exp is added up. */
  readonly nllSum: NllSum;
  /** The dense model's, of the same rows; null where KL is not asked for. */
  readonly dense: DenseOutputs | null;
}

/**
 * Figures of each row of several streams [n·R, C]. Each tile of the head is loaded once for all of
 * them.
 * @param release lets go of a stream, once it is normed or when something fails before.
 */
export async function headFigures(
  pieces: WeightPieces,
  streams: readonly DeviceTensor[],
  { targets, nllSum, dense }: HeadTask,
  release: (stream: DeviceTensor) => void,
): Promise<HeadFigures[]> {
  const { backend, config } = pieces;
  const normed: DeviceTensor[] = [];
  const states: NllState[] = [];
  /** h·d of each row. */
  const projections: Float64Array[] = [];
  try {
    for (const x of streams) {
      normed.push(await normFinal(pieces, x));
      release(x);
    }
    if (dense !== null) for (const x of normed) projections.push(projected(dense, await backend.download(x)));
    const repeated = normed.map(({ rows }) => repeat(targets, rows / targets.length));
    for (let first = 0; first < config.vocabSize; first += HEAD_TILE) {
      for (const [index, x] of normed.entries()) {
        await turnWhenDue();
        // Asked for anew after every turn, in which others may have used the model.
        const tile = await pieces.headTile(first);
        const state = states.at(index) ?? null;
        states[index] = backend.nllTile(x, tile, first, repeated[index], state, nllSum);
      }
    }
  } catch (error) {
    for (const x of streams.slice(normed.length)) release(x);
    // A state is only given back by finishing it.
    await Promise.allSettled(states.map(async (state) => backend.finishNll(state)));
    throw error;
  } finally {
    for (const x of normed) backend.free(x);
  }
  const nlls = await Promise.all(states.map((state) => backend.finishNll(state)));
  return nlls.map((nll, index) =>
    dense === null ? { nll } : { nll, kl: divergences(dense, nll, projections[index]) },
  );
}

/** Each row's NLL alone. @param targets as in `HeadTask`. */
export async function headNll(
  pieces: WeightPieces,
  streams: readonly DeviceTensor[],
  targets: Int32Array,
  nllSum: NllSum,
  release: (stream: DeviceTensor) => void,
): Promise<Float32Array[]> {
  const figures = await headFigures(pieces, streams, { targets, nllSum, dense: null }, release);
  return figures.map(({ nll }) => nll);
}

/** Logits [R, V] of a stream's rows [R, C], for sampling. */
export async function headLogits(pieces: WeightPieces, x: DeviceTensor): Promise<Float32Array> {
  const { backend, config } = pieces;
  return consume(backend, await normFinal(pieces, x), async (normed) => {
    const logits = new Float32Array(normed.rows * config.vocabSize);
    for (let first = 0; first < config.vocabSize; first += HEAD_TILE) {
      await turnWhenDue();
      const tile = await pieces.headTile(first);
      const part = await withScope(backend, (scope) => backend.download(scope.linear(normed, tile)));
      for (let row = 0; row < normed.rows; row++) {
        const from = row * tile.outFeatures;
        logits.set(part.subarray(from, from + tile.outFeatures), row * config.vocabSize + first);
      }
    }
    return logits;
  });
}

/**
 * The id with the highest logit in each row of a stream [R, C], the lowest of equal ones; −1 where
 * a logit is NaN. Logits are looked at tile by tile, [R, HEAD_TILE] at once.
 */
export async function headArgmax(pieces: WeightPieces, x: DeviceTensor): Promise<Int32Array> {
  const { backend, config } = pieces;
  return consume(backend, await normFinal(pieces, x), async (normed) => {
    const best = new Int32Array(normed.rows);
    const highest = new Float32Array(normed.rows).fill(-Infinity);
    for (let first = 0; first < config.vocabSize; first += HEAD_TILE) {
      await turnWhenDue();
      const tile = await pieces.headTile(first);
      const part = await withScope(backend, (scope) => backend.download(scope.linear(normed, tile)));
      for (let row = 0; row < normed.rows; row++) {
        for (let column = 0; column < tile.outFeatures; column++) {
          const logit = part[row * tile.outFeatures + column];
          if (Number.isNaN(logit)) highest[row] = NaN;
          if (!(logit > highest[row])) continue;
          highest[row] = logit;
          best[row] = first + column;
        }
      }
    }
    return best.map((id, row) => (Number.isNaN(highest[row]) ? -1 : id));
  });
}

function normFinal({ backend, config, finalNorm }: WeightPieces, x: DeviceTensor): Promise<DeviceTensor> {
  return withScope(backend, (scope) => scope.keep(applyNorm(scope, config, finalNorm, x)));
}

function repeat(values: Int32Array, times: number): Int32Array {
  if (times === 1) return values;
  const out = new Int32Array(times * values.length);
  for (let at = 0; at < out.length; at += values.length) out.set(values, at);
  return out;
}
