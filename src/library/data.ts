/** From what a caller holds to the chunks that are scored. */
import { DataError, UsageError } from '../errors.ts';
import { chunkTokens, defaultEvalSettings, tokensNeeded, type Chunks, type EvalSettings } from '../eval/chunks.ts';
import { dataKind } from '../eval/textData.ts';
import { readTokens, type TokenData } from '../eval/tokenData.ts';
import type { OpenedModel } from '../formats/modelFiles.ts';
import { textTokenizer } from '../formats/textTokenizer.ts';
import { turn } from '../model/eventLoop.ts';
import type { Data, DataFile, EvaluationSettings } from './model.ts';

/** Characters tokenised between two turns of the event loop. */
const PIECE = 1 << 16;

/** What data without a file's name is called in messages and documents. */
const TEXT = 'text';
const IDS = 'ids';

/**
 * Cuts data into chunks for a model. A text scores as the file that holds it does.
 * @param check is called between pieces of a text and throws where nobody waits for it any more.
 * @throws DataError as `chunkTokens` and `readTokens` do; UsageError for what is not data.
 */
export async function chunksOf(
  opened: OpenedModel,
  data: Data,
  settings: EvalSettings,
  check: () => void,
): Promise<{ name: string; chunks: Chunks }> {
  const name = nameOf(data);
  const tokens = await tokensOf(opened, data, settings, check);
  const { weights, tokenizer } = opened;
  return { name, chunks: chunkTokens(name, tokens, weights.config, tokenizer, settings) };
}

/** What differs from the defaults; undefined is not given. */
export function evaluationOf({ chunk, stride, bos, join, tokens }: EvaluationSettings): EvalSettings {
  const { bos: defaultBos, join: defaultJoin } = defaultEvalSettings;
  return {
    chunk: chunk ?? null,
    stride: stride ?? null,
    bos: bos ?? defaultBos,
    join: join ?? defaultJoin,
    tokens: tokens ?? null,
  };
}

/** Data as one stream of token ids, for training: no chunks, and no BOS. */
export async function idsOf(
  opened: OpenedModel,
  data: Data,
  settings: EvalSettings,
  check: () => void,
): Promise<{ name: string; ids: Int32Array }> {
  const { ids } = await tokensOf(opened, data, { ...settings, tokens: null }, check);
  return { name: nameOf(data), ids };
}

async function tokensOf(
  opened: OpenedModel,
  data: Data,
  settings: EvalSettings,
  check: () => void,
): Promise<TokenData> {
  const { join } = settings;
  const limit = tokensNeeded(settings);
  if (isFile(data)) {
    const { name, content, field = 'text' } = data;
    const tokenizer = dataKind(name) === 'json' ? opened.tokenizer : textTokenizer(opened, name);
    return readTokens(name, breathing([content], check), tokenizer, { field, join, limit });
  }
  if (isIds(data)) return idTokens(data, limit);
  const texts = typeof data === 'string' ? [data] : data;
  if (texts.every((text) => text.trim() === '')) throw new DataError('is empty.', { where: TEXT });
  const pieces = texts.map((text, index) => (index === 0 ? text : join + text));
  const tokenizer = textTokenizer(opened, TEXT);
  return readTokens(`${TEXT}.txt`, breathing(pieces, check), tokenizer, { field: 'text', join, limit });
}

function nameOf(data: Data): string {
  if (isFile(data)) return data.name;
  return isIds(data) ? IDS : TEXT;
}

function isFile(data: Data): data is DataFile {
  if (typeof data === 'string' || Array.isArray(data) || ArrayBuffer.isView(data)) return false;
  const { name, content } = (data ?? {}) as Partial<DataFile>;
  if (typeof name === 'string' && typeof content === 'string') return true;
  throw new UsageError('is neither text, a list of texts, a list of token ids nor a file ({ name, content }).', {
    where: 'data',
  });
}

function isIds(data: Exclude<Data, DataFile>): data is readonly number[] | Int32Array {
  if (typeof data === 'string') return false;
  if (data instanceof Int32Array) return true;
  if (data.every((part) => typeof part === 'string')) return false;
  if (data.every((part) => typeof part === 'number')) return true;
  throw new UsageError('is a list of neither texts nor token ids.', { where: 'data' });
}

function idTokens(data: readonly number[] | Int32Array, limit: number): TokenData {
  const wrong = data.findIndex((id) => !(Number.isInteger(id) && id >= 0 && id < 2 ** 31));
  if (wrong >= 0) {
    throw new DataError(`entry ${wrong} is ${data[wrong]}, not a token id.`, {
      where: IDS,
      remedy: 'Token ids are whole numbers from 0 on.',
    });
  }
  const ids = Int32Array.from(data.length > limit ? data.slice(0, limit) : data);
  return { kind: 'ids', ids, whole: ids.length === data.length, notes: [] };
}

/** Texts in pieces, with a turn of the event loop after each. */
async function* breathing(texts: readonly string[], check: () => void): AsyncGenerator<string, void> {
  for (const text of texts) {
    for (let at = 0; at < text.length; at += PIECE) {
      yield text.slice(at, at + PIECE);
      await turn();
      check();
    }
  }
}
