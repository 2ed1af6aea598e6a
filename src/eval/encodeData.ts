/** Texts as ids, all at once, and ids that fit a model; `readTokens` takes what comes in pieces. */
import { DataError } from '../errors.ts';
import { encodeStream, type StreamSettings } from '../tokenizer/encodeStream.ts';
import { IdBuffer } from '../tokenizer/idBuffer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { RawData } from './textData.ts';
import { countWords } from './words.ts';

/** The ids of all texts joined. @throws DataError for text without a tokenizer. */
export function streamOf(name: string, data: RawData, tokenizer: Tokenizer | null, join: string): readonly number[] {
  if (data.kind === 'ids') return data.ids;
  if (tokenizer === null) {
    throw new DataError('text needs a tokenizer, and none was given.', {
      where: name,
      remedy: 'Give token ids as a .json array.',
    });
  }
  return tokenizer.encode(data.rows.join(join));
}

/** A text by itself: its ids, and its words, where it came as text. */
export interface TextIds {
  readonly ids: Int32Array;
  readonly words: number | null;
}

/** Texts one by one, tokenised each by itself. */
export interface TextsData {
  readonly kind: 'rows' | 'ids';
  readonly texts: readonly TextIds[];
  /** As in `TokenData`. */
  readonly whole: boolean;
  readonly notes: readonly string[];
}

/** Each text by itself; ids are one text. @throws DataError for text without a tokenizer. */
export function textsOf(name: string, data: RawData, tokenizer: Tokenizer | null): TextIds[] {
  if (data.kind === 'ids') return [{ ids: Int32Array.from(data.ids), words: null }];
  return data.rows.map((row) => ({
    ids: Int32Array.from(streamOf(name, { kind: 'rows', rows: [row] }, tokenizer, '')),
    words: countWords(row),
  }));
}

/**
 * Each of the texts that come in pieces, whole, until there are `limit` ids.
 * @throws what the pieces throw; DataError as `encodeStream` does.
 */
export async function encodeApart(
  tokenizer: Tokenizer,
  pieces: AsyncIterable<{ readonly text: string; readonly begins: boolean }>,
  { limit = Infinity, ...settings }: StreamSettings,
): Promise<{ ids: Int32Array; whole: boolean; texts: TextIds[] }> {
  const texts: TextIds[] = [];
  const ids = new IdBuffer();
  let begun: string[] | null = null;
  const finish = async (): Promise<void> => {
    if (begun === null) return;
    const text = begun.join('');
    const own = await encodeStream(tokenizer, [text], settings);
    texts.push({ ids: own.ids, words: countWords(text) });
    ids.push(own.ids);
  };
  for await (const { text, begins } of pieces) {
    if (begins) {
      await finish();
      begun = [];
      if (ids.length >= limit) return { ids: ids.first(Infinity), whole: false, texts };
    }
    begun?.push(text);
  }
  await finish();
  return { ids: ids.first(Infinity), whole: true, texts };
}

/** @throws DataError for an id outside the vocabulary. */
export function checkIds(name: string, ids: Int32Array, vocabSize: number): void {
  const at = ids.findIndex((id) => id >= vocabSize);
  if (at >= 0) {
    throw new DataError(`token id ${ids[at]} (at ${at}) is outside the model's vocabulary of ${vocabSize}.`, {
      where: name,
      remedy: "Use ids of this model's own tokenizer.",
    });
  }
}
