/**
 * Times a few calls of each kind on this backend: a block of attention, an MLP, a tile of the head.
 * About two seconds for a model whose blocks take a fraction of one; where a block of the run's
 * size would take longer, a smaller one is timed, and operations say how much more the run's takes.
 */
import type { DeviceTensor } from '../../backends/backend.ts';
import type { BlockId } from '../../model/blockId.ts';
import { consume } from '../../model/ownership.ts';
import type { Transformer } from '../../model/transformer.ts';
import { walkOf } from '../../model/walk.ts';
import { HEAD_TILE, pieceSizes, tileName } from '../../model/weightPieces.ts';
import { formatBlock } from '../../model/blockId.ts';
import { blockFlops, headFlops } from './flops.ts';
import type { PieceSpeed, Speed, Timed } from './speed.ts';

/** A kind of call: how many operations it has for a number of rows, and how it is made. */
interface Work {
  flops(rows: number, seqLen: number): number;
  run(x: DeviceTensor, seqLen: number): Promise<void>;
}

export interface ToMeasure {
  /** Tokens of a chunk. */
  readonly chunk: number;
  /** Rows of the streams that a sweep passes on, each a multiple of `chunk`. */
  readonly rows: readonly number[];
  /** Seconds that timing one size of one kind may take; default 0.2. */
  readonly seconds?: number;
}

/** Sequences of so many tokens are timed first: they say what a longer one may take. */
const SHORT = 16;
/** A size is timed so many times at most; the median counts. */
const MOST_TIMES = 7;

/**
 * @throws MemoryBudgetError, NonFiniteError and the like as a sweep's first step would.
 */
export async function measureSpeed(model: Transformer, wanted: ToMeasure): Promise<Speed> {
  const started = performance.now();
  const { source, config } = model;
  const sizes = pieceSizes(source);
  const walk = walkOf(config);
  const blockSpeed = async (kind: BlockId['kind']): Promise<PieceSpeed | null> => {
    const id = walk.find((block) => block.kind === kind);
    if (id === undefined) return null;
    const loadSeconds = await timed(() => model.pieces.block(id));
    const work: Work = {
      flops: (rows, seqLen) => (blockFlops(config, id, seqLen) * rows) / seqLen,
      async run(x, seqLen) {
        await consume(model.backend, await model.block(id, x, seqLen), (after) => settle(model, after));
      },
    };
    const loadSecondsPerByte = loadSeconds / (sizes.get(formatBlock(id)) ?? 1);
    return { calls: await timeSizes(model, work, wanted), loadSecondsPerByte };
  };
  const mha = await blockSpeed('mha');
  const mlp = await blockSpeed('mlp');
  const head = await headSpeed(model, wanted, sizes.get(tileName(0)) ?? 1);
  return { mha, mlp, head, seconds: (performance.now() - started) / 1000 };
}

/** By one tile: the others take as long. */
async function headSpeed(model: Transformer, wanted: ToMeasure, tileBytes: number): Promise<PieceSpeed> {
  const { backend, config, nllSum } = model;
  const loadSeconds = await timed(() => model.pieces.headTile(0));
  const tiles = config.vocabSize / Math.min(HEAD_TILE, config.vocabSize);
  const work: Work = {
    flops: (rows) => headFlops(config, rows) / tiles,
    async run(x) {
      const tile = await model.pieces.headTile(0);
      await backend.finishNll(backend.nllTile(x, tile, 0, new Int32Array(x.rows), null, nllSum));
    },
  };
  const calls = await timeSizes(model, work, wanted);
  return {
    calls: calls.map(({ flops, seconds }) => ({ flops: flops * tiles, seconds: seconds * tiles })),
    loadSecondsPerByte: loadSeconds / tileBytes,
  };
}

/** One token, and the wanted sizes as far as they fit into the time. */
async function timeSizes(model: Transformer, work: Work, { chunk, rows, seconds = 0.2 }: ToMeasure): Promise<Timed[]> {
  const time = (size: number, seqLen: number): Promise<Timed> => timeSize(model, work, { size, seqLen, seconds });
  const short = Math.min(SHORT, chunk);
  const found = [await time(1, 1)];
  let best = await time(short, short);
  for (const wantedRows of rows.toSorted((a, b) => a - b)) {
    const most = (seconds / best.seconds) * best.flops;
    const [size, seqLen] = sizeFor(work, { chunk, rows: wantedRows, short }, most);
    if (work.flops(size, seqLen) <= best.flops) continue;
    best = await time(size, seqLen);
    found.push(best);
  }
  if (found.length === 1 && best.flops > found[0].flops) found.push(best);
  return found;
}

/** Rows and their sequences with `most` operations or fewer: whole chunks, else a shorter one. */
function sizeFor(
  work: Work,
  { chunk, rows, short }: { readonly chunk: number; readonly rows: number; readonly short: number },
  most: number,
): [rows: number, seqLen: number] {
  const chunks = Math.min(rows / chunk, Math.floor(most / work.flops(chunk, chunk)));
  if (chunks >= 1) return [chunks * chunk, chunk];
  let seqLen = chunk;
  while (seqLen > short && work.flops(seqLen, seqLen) > most) seqLen = Math.ceil(seqLen / 2);
  return [seqLen, seqLen];
}

/** The median of a few times; the first is not counted, in which code is compiled. */
async function timeSize(
  { backend, config }: Transformer,
  work: Work,
  { size, seqLen, seconds }: { readonly size: number; readonly seqLen: number; readonly seconds: number },
): Promise<Timed> {
  const x = backend.store(someNumbers(size * config.hiddenSize), size, config.hiddenSize);
  try {
    await work.run(x, seqLen);
    const times: number[] = [];
    for (
      let spent = 0;
      times.length < 1 || (spent < (times.length < 2 ? seconds : seconds / 4) && times.length < MOST_TIMES);
    ) {
      const took = await timed(() => work.run(x, seqLen));
      times.push(took);
      spent += took;
    }
    times.sort((a, b) => a - b);
    return { flops: work.flops(size, seqLen), seconds: times[Math.floor(times.length / 2)] };
  } finally {
    backend.free(x);
  }
}

/** Waits until a result is there: a backend may queue its work. */
async function settle({ backend }: Transformer, x: DeviceTensor): Promise<void> {
  const scope = backend.scope();
  try {
    await backend.download(scope.view(x, 0, 1));
  } finally {
    scope.close();
  }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
}

/** Between −1 and 1, without a pattern that kernels could gain by. */
function someNumbers(length: number): Float32Array {
  return Float32Array.from({ length }, (_, at) => Math.imul(at + 1, 0x9e3779b1) / 2 ** 31);
}
