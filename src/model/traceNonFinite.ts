/**
 * Finds where NaN or an infinity first arises: a sequence is walked again, and what each stage
 * gives is looked at on the host. Slow, and only done where a loss is not finite already.
 */
import { formatBlock } from './blockId.ts';
import type { Mask } from './mask.ts';
import { blockTensorNames } from './residualBlock.ts';
import { modelTensorNames } from './tensorNames.ts';
import { HEAD_TILE, nextTokens, type Transformer } from './transformer.ts';
import { walkOf } from './walk.ts';
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
        const found = stored ?? overflow(await model.firstNonFiniteOp(id, x, ids.length));
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
