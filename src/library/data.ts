/** From what a caller holds to the chunks that are scored. */
import { DataError, UsageError } from '../errors.ts';
import { chunkTokens, defaultEvalSettings, readingOf, type Chunks, type EvalSettings } from '../eval/chunks.ts';
import { dataForm, dataName } from '../eval/dataForm.ts';
import type { TextPart } from '../eval/textPart.ts';
import { readTokens, type TokenData } from '../eval/tokenData.ts';
import type { OpenedModel } from '../formats/modelFiles.ts';
import { chatRenderer } from '../formats/chatTemplate.ts';
import { textTokenizer } from '../formats/textTokenizer.ts';
import { turn } from '../model/eventLoop.ts';
import { checkSample, type SampleSettings } from '../eval/windows.ts';
import { decodedText } from '../platform/decodedText.ts';
import type { BlobContent, Data, DataFile, EvaluationSettings } from './model.ts';
import { checkOptions, sampleRules } from './options.ts';

/** Characters tokenised, or bytes read, between two turns of the event loop. */
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

/**
 * What differs from the defaults; undefined is not given.
 * @throws UsageError for a sample that is not one, or a stride beside it.
 */
export function evaluationOf(settings: EvaluationSettings): EvalSettings {
  const { chunk = null, stride = null, tokens = null, newlines = 'keep' } = settings;
  const { bos: defaultBos, join: defaultJoin, convention: defaultConvention } = defaultEvalSettings;
  const { bos = defaultBos, join = defaultJoin, convention = defaultConvention } = settings;
  const sample = settings.sample === undefined ? null : sampleOf(settings.sample);
  checkSample(sample, stride, convention);
  return { convention, chunk, stride, bos, join, tokens, newlines, sample };
}

function sampleOf(sample: NonNullable<EvaluationSettings['sample']>): SampleSettings {
  checkOptions(sample, sampleRules);
  const { windows, seed = 0, from = 'stream' } = sample;
  if (windows === undefined) throw new UsageError('says not how many windows to draw.', { where: 'sample' });
  return { windows, seed, from };
}

/** Data as one stream of token ids, for training: no chunks, and no BOS. */
export async function idsOf(
  opened: OpenedModel,
  data: Data,
  settings: EvalSettings,
  check: () => void,
): Promise<{ name: string; ids: Int32Array }> {
  const { ids } = await tokensOf(opened, data, { ...settings, tokens: null, sample: null }, check);
  return { name: nameOf(data), ids };
}

async function tokensOf(
  opened: OpenedModel,
  data: Data,
  settings: EvalSettings,
  check: () => void,
): Promise<TokenData> {
  const { join } = settings;
  const reading = readingOf(settings);
  const held = kindOfData(data);
  if (held.kind === 'ids') return idTokens(held.ids, reading.limit);
  const files =
    held.kind === 'files'
      ? held.files.map(({ name, content, field }) => ({ name, pieces: contentOf({ name, content }, check), field }))
      : [{ name: TEXT, parts: textParts(held.texts, check) }];
  return readTokens(files, (name) => textTokenizer(opened, name), {
    join,
    ...reading,
    renderChat: chatRenderer(opened),
  });
}

function nameOf(data: Data): string {
  const held = kindOfData(data);
  if (held.kind === 'files') return dataName(held.files.map(({ name }) => name));
  return held.kind === 'ids' ? IDS : TEXT;
}

type Held =
  | { kind: 'files'; files: readonly DataFile[] }
  | { kind: 'ids'; ids: readonly number[] | Int32Array }
  | { kind: 'texts'; texts: readonly string[] };

/** @throws UsageError for what is not data; DataError for texts of white space only. */
function kindOfData(data: Data): Held {
  if (data instanceof Int32Array) return { kind: 'ids', ids: data };
  if (!Array.isArray(data) && isFile(data)) return { kind: 'files', files: [data] };
  const list: readonly unknown[] = typeof data === 'string' ? [data] : Array.isArray(data) ? data : [null];
  if (list.length > 0 && list.every(isFile)) return { kind: 'files', files: list };
  if (list.every((part) => typeof part === 'string')) {
    if (list.every((text) => text.trim() === '')) throw new DataError('is empty.', { where: TEXT });
    return { kind: 'texts', texts: list };
  }
  if (list.every((part) => typeof part === 'number')) return { kind: 'ids', ids: list };
  throw new UsageError(
    Array.isArray(data)
      ? 'is a list of neither texts, token ids nor files.'
      : 'is neither text, a list of texts, a list of token ids nor a file ({ name, content }).',
    { where: 'data' },
  );
}

function isFile(data: unknown): data is DataFile {
  if (typeof data !== 'object' || data === null) return false;
  const { name, content } = data as Partial<DataFile>;
  return typeof name === 'string' && (typeof content === 'string' || isBytes(content));
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

function isBytes(content: unknown): content is Exclude<DataFile['content'], string> {
  if (content instanceof Uint8Array) return true;
  const { size, slice } = (content ?? {}) as Partial<BlobContent>;
  return typeof size === 'number' && typeof slice === 'function';
}

/** @throws DataError for text under the name of a packed file. */
function contentOf({ name, content }: DataFile, check: () => void): AsyncGenerator<string, void> {
  if (typeof content !== 'string') return decodedText(name, bytesOf(content, check));
  if (!dataForm(name).gzip) return breathing(content, check);
  throw new DataError('is packed, and its content was given as text.', { where: name, remedy: 'Give its bytes.' });
}

/** Bytes in pieces, with a turn of the event loop after each. */
async function* bytesOf(
  content: Exclude<DataFile['content'], string>,
  check: () => void,
): AsyncGenerator<Uint8Array, void> {
  const size = content instanceof Uint8Array ? content.length : content.size;
  for (let at = 0; at < size; at += PIECE) {
    yield content instanceof Uint8Array
      ? content.subarray(at, at + PIECE)
      : new Uint8Array(await content.slice(at, Math.min(at + PIECE, size)).arrayBuffer());
    await turn();
    check();
  }
}

async function* textParts(texts: readonly string[], check: () => void): AsyncGenerator<TextPart, void> {
  for (const text of texts) {
    let begins = true;
    for await (const piece of breathing(text, check)) {
      yield { text: piece, begins };
      begins = false;
    }
    if (begins) yield { text, begins };
  }
}

/** A text in pieces, with a turn of the event loop after each. */
async function* breathing(text: string, check: () => void): AsyncGenerator<string, void> {
  for (let at = 0; at < text.length; at += PIECE) {
    yield text.slice(at, at + PIECE);
    await turn();
    check();
  }
}
