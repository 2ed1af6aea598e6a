import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { generate, type GenerateOptions, type GenerationEnd } from './generate.ts';
import type { Mask } from './mask.ts';
import { TextStream } from './textStream.ts';
import type { Transformer } from './transformer.ts';

/** A prompt as tokens. */
export interface Prompt {
  readonly ids: readonly number[];
  /** Where its BOS is from: put before the text, in the text already, or there is none. */
  readonly bos: 'added' | 'in the text' | 'none';
}

/** A text that a model wrote, and why it ends where it does. */
export interface Completion extends GenerationEnd {
  readonly ids: readonly number[];
  /** What the ids stand for, without the prompt. Bytes that are no character are U+FFFD. */
  readonly text: string;
}

/**
 * Text to tokens, with a BOS where the tokenizer itself puts one; no second one before a text that
 * begins with one.
 */
export function encodePrompt(tokenizer: Tokenizer, text: string): Prompt {
  const ids = tokenizer.encode(text);
  const { bosTokenId, addsBos } = tokenizer;
  if (bosTokenId !== null && ids[0] === bosTokenId) return { ids, bos: 'in the text' };
  if (bosTokenId === null || !addsBos) return { ids, bos: 'none' };
  return { ids: [bosTokenId, ...ids], bos: 'added' };
}

/**
 * Continues a prompt as text. Yields once a token: the text that has become certain, which may be
 * empty.
 * @throws as generate.
 */
export async function* complete(
  model: Transformer,
  tokenizer: Tokenizer,
  prompt: Prompt,
  mask: Mask,
  options: GenerateOptions,
): AsyncGenerator<string, Completion> {
  const stream = new TextStream(tokenizer, prompt.ids);
  const ids: number[] = [];
  let text = '';
  let end: GenerationEnd = { stoppedBy: 'max tokens', endTokenId: null };
  const tokens = async function* (): AsyncGenerator<number, void> {
    end = yield* generate(model, prompt.ids, mask, options);
  };
  for await (const id of tokens()) {
    ids.push(id);
    const piece = stream.push(id);
    text += piece;
    yield piece;
  }
  const rest = stream.end();
  if (rest !== '') yield rest;
  return { ids, text: text + rest, ...end };
}
