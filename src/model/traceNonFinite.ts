/**
 * Finds where NaN or an infinity first arises: a sequence is walked again, and what each stage
 * gives is looked at on the host. Slow, and only done where a loss is not finite already.
 */
import type { DeviceTensor } from '../backends/backend.ts';
import { formatBlock, type BlockId } from './blockId.ts';
import { blockTensorNames, weightNames } from './blockTensors.ts';
import type { Mask } from './mask.ts';
import { observeOps, type ObservedOp } from './observeOps.ts';
import { withScope } from './ownership.ts';
import { applyBlock } from './residualBlock.ts';
import { modelTensorNames } from './tensorNames.ts';
import { nextTokens, type Transformer } from './transformer.ts';
import { walkOf } from './walk.ts';
import { HEAD_TILE } from './weightPieces.ts';
import type { WeightSource } from './weights.ts';

/** Where the walk of a sequence stops being finite. */
export interface NonFiniteOrigin {
  /** `the embedding`, a block such as `L3.mlp`, or `the head`. */
  place: string;
  /**
   * The tensor that is not finite as it is stored, or at whose product numbers overflow; null for
   * an op without one.
   */
  tensor: string | null;
  /** What is wrong, for the end of a sentence. */
  reason: string;
  /** The stored weights are to blame, and not the size of the numbers that come of them. */
  stored: boolean;
}

type Found = Omit<NonFiniteOrigin, 'place'>;

/** @returns null where everything is finite, the losses of all targets included. */
export async function traceNonFinite(model: Transformer, ids: Int32Array, mask: Mask): Promise<NonFiniteOrigin | null> {
  const { backend, config, source } = model;
  let x = await model.embed([ids]);
  try {
    if (notFinite(await backend.download(x)) >= 0) {
      return { place: 'the embedding', ...(await inEmbedding(source, ids)) };
    }
    for (const id of walkOf(config, mask)) {
      const next = await model.block(id, x, ids.length);
      if (notFinite(await backend.download(next)) >= 0) {
        backend.free(next);
        const stored = await inTensors(source, blockTensorNames(config, id));
        const found = stored ?? overflow(await firstNonFiniteOp(model, id, x, ids.length));
        return { place: formatBlock(id), ...found };
      }
      backend.free(x);
      x = next;
    }
    const [nll] = await model.headNll([x], nextTokens([ids]), () => {});
    if (notFinite(nll.subarray(0, ids.length - 1)) < 0) return null;
    return { place: 'the head', ...(await inHead(source)) };
  } finally {
    backend.free(x);
  }
}

/** Ops that compute; the others hand out what is there already. */
const computing: ReadonlySet<string> = new Set<ObservedOp['op']>([
  'rmsNorm',
  'layerNorm',
  'linear',
  'rope',
  'attention',
  'swiglu',
  'gelu',
  'add',
]);

/**
 * The first op of a block on x whose result is not finite, its tensor, if any, and the row of x.
 */
async function firstNonFiniteOp(
  { backend, config, pieces }: Transformer,
  id: BlockId,
  x: DeviceTensor,
  seqLen: number,
): Promise<{ op: string; tensor: string | null; row: number }> {
  const rope = pieces.rope(seqLen);
  const block = await pieces.block(id);
  return withScope(backend, async (scope) => {
    const calls: ObservedOp[] = [];
    const ops = observeOps(scope, (call) => void (computing.has(call.op) && calls.push(call)));
    applyBlock(ops, config, block, x, { seqLen, start: 0, rope, cache: null });
    const names = weightNames(config, block);
    for (const { op, result, inputs } of calls) {
      const values = await backend.download(result);
      const at = notFinite(values);
      if (at < 0) continue;
      const tensor = inputs.map((input) => names.get(input)).find((name) => name !== undefined) ?? null;
      return { op, tensor, row: Math.floor((at * x.rows) / values.length) };
    }
    return { op: 'no op alone', tensor: null, row: 0 };
  });
}

/** Index of the first NaN or infinity; −1 = none. */
export function notFinite(values: Float32Array): number {
  return values.findIndex((value) => !Number.isFinite(value));
}

function overflow({ op, tensor, row }: { op: string; tensor: string | null; row: number }): Found {
  const at = tensor === null ? `in ${op}` : `in ${op} with '${tensor}'`;
  return { tensor, reason: `numbers overflow f32 ${at}, at token ${row} of the chunk`, stored: false };
}

async function inEmbedding(source: WeightSource, ids: Int32Array): Promise<Found> {
  const { embedding, positions } = modelTensorNames(source.config);
  for (const id of new Set(ids)) {
    const bad = describe(embedding, await source.rows(embedding, id, id + 1), id);
    if (bad !== null) return bad;
  }
  const learned = positions === null ? null : await inTensors(source, [positions]);
  return learned ?? overflow({ op: 'the sum of token and position', tensor: embedding, row: 0 });
}

async function inHead(source: WeightSource): Promise<Found> {
  const { finalNorm, head } = modelTensorNames(source.config);
  const norm = await inTensors(
    source,
    [finalNorm.weight, finalNorm.bias].filter((name) => name !== null),
  );
  if (norm !== null) return norm;
  const { vocabSize } = source.config;
  for (let first = 0; first < vocabSize; first += HEAD_TILE) {
    const bad = describe(head, await source.rows(head, first, Math.min(vocabSize, first + HEAD_TILE)), first);
    if (bad !== null) return bad;
  }
  return { tensor: head, reason: `logits overflow f32 in linear with '${head}'`, stored: false };
}

/** The first of these tensors that is not finite as it is stored. */
async function inTensors(source: WeightSource, names: readonly string[]): Promise<Found | null> {
  for (const name of names) {
    const bad = describe(name, await source.tensor(name), 0, source.tensors.get(name)?.shape.at(-1));
    if (bad !== null) return bad;
  }
  return null;
}

/** What is not finite in rows of a tensor, the first of which is row `first`. */
function describe(tensor: string, values: Float32Array, first: number, columns = values.length): Found | null {
  const at = notFinite(values);
  if (at < 0) return null;
  const count = values.reduce((sum, value) => (Number.isFinite(value) ? sum : sum + 1), 0);
  const others = count === 1 ? '' : `, and ${count - 1} more`;
  const place = `row ${first + Math.floor(at / columns)}, column ${at % columns}`;
  return { tensor, reason: `tensor '${tensor}' holds ${values[at]} (${place}${others})`, stored: true };
}
