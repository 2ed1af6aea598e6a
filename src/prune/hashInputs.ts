/** What a journal is bound to: hashes of everything that its numbers depend on. */
import type { Chunks } from '../eval/chunks.ts';
import { hashTokens } from '../eval/convention.ts';
import { configIdentity } from '../model/config.ts';
import type { Transformer } from '../model/transformer.ts';
import type { WeightSource } from '../model/weights.ts';
import type { Hasher } from '../platform/sha256.ts';
import type { JournalHeader } from './journal.ts';

/**
 * How a text is scored, as a part of the settings that a header hashes. The paper's convention is
 * not named, as before there were others, so that journals of then go on.
 */
export function evaluationIdentity({ nllSum }: Pick<Transformer, 'nllSum'>, chunks: Chunks): object {
  const { chunk, stride, bos, ignoredId, convention } = chunks;
  return { chunk, stride, bos, ignoredId, nllSum, ...(convention === 'paper' ? {} : { convention }) };
}

/**
 * The header of a run's journal.
 * @param settings whatever else a number of the run depends on; the order of the fields counts.
 */
export async function hashInputs(
  { model, chunks, newHasher }: { model: Transformer; chunks: Chunks; newHasher: () => Hasher },
  settings: object,
): Promise<JournalHeader> {
  const hashText = (text: string): string => {
    const hasher = newHasher();
    hasher.update(new TextEncoder().encode(text));
    return hasher.digest();
  };
  return {
    weights: await weightsHash(model.source, newHasher),
    config: hashText(configIdentity(model.config)),
    tokens: hashTokens(chunks, newHasher()),
    settings: hashText(JSON.stringify(settings)),
    backend: model.backend.variant,
  };
}

/**
 * Of gigabytes, so it is taken once. It holds while the files are those that were opened, which
 * each read of them checks.
 */
function weightsHash(source: WeightSource, newHasher: () => Hasher): Promise<string> {
  const hash = hashes.get(source) ?? source.contentHash(newHasher());
  hashes.set(source, hash);
  return hash;
}

const hashes = new WeakMap<WeightSource, Promise<string>>();
