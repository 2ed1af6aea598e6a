import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { generate, type GenerateOptions, type GenerationEnd } from './generate.ts';
import type { Mask } from './mask.ts';
import { checkStopStrings, StopStrings, stopTokens, type Stopped } from './stopStrings.ts';
import { TextStream } from './textStream.ts';
import type { Transformer } from './transformer.ts';

/** A prompt as tokens. */
export interface Prompt {
  readonly ids: readonly number[];
  /** Where its BOS is from: put before the text, in the text already, or there is none. */
  readonly bos: 'added' | 'in the text' | 'none';
}

export interface CompleteOptions extends GenerateOptions {
  /** The text ends before the first of these. A special token's name stands for that token. */
  stop?: readonly string[];
}

/** Why a text ends. */
export interface CompletionEnd {
  readonly stoppedBy: GenerationEnd['stoppedBy'] | 'stop string';
  /** Which end-of-sequence token it was; null where it ended otherwise. */
  readonly endTokenId: number | null;
  /** Which stop string it was; null where it ended otherwise. */
  readonly stopString: string | null;
}

/** A text that a model wrote, and why it ends where it does. */
export interface Completion extends CompletionEnd {
  /** All tokens that were made: those of a stop string, too, and what its last one adds to it. */
  readonly ids: readonly number[];
  /**
   * What the ids stand for, without the prompt, up to a stop string. Bytes that are no character
   * are U+FFFD.
   */
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

/** A text that a chat template wrote: with the BOS that the template puts there, or none. */
export function encodeChat(tokenizer: Tokenizer, text: string): Prompt {
  const ids = tokenizer.encode(text);
  return { ids, bos: ids.length > 0 && ids[0] === tokenizer.bosTokenId ? 'in the text' : 'none' };
}

/**
 * Continues a prompt as text. Yields once a token: the text that has become certain, which may be
 * empty. No part of a stop string that ends the text is ever yielded.
 * @throws as generate, checkStopStrings and stopTokens.
 */
export async function* complete(
  model: Transformer,
  tokenizer: Tokenizer,
  prompt: Prompt,
  mask: Mask,
  options: CompleteOptions,
): AsyncGenerator<string, Completion> {
  const wanted = options.stop ?? [];
  checkStopStrings(wanted);
  const tokens = stopTokens(wanted, tokenizer);
  const ends = options.endTokenIds ?? model.config.eosTokenIds;
  const all = { ...options, endTokenIds: [...ends, ...tokens.keys()] };
  const stream = new TextStream(tokenizer, prompt.ids);
  const stops = new StopStrings(wanted);
  const ids: number[] = [];
  let text = '';
  const taken = ({ text: piece, stop }: Stopped): { piece: string; end: CompletionEnd | null } => {
    text += piece;
    return { piece, end: stop === null ? null : { stoppedBy: 'stop string', endTokenId: null, stopString: stop } };
  };
  const made = generate(model, prompt.ids, mask, all);
  try {
    for (;;) {
      const next = await made.next();
      if (next.done === true) {
        const last = taken(stops.push(stream.end()));
        const rest = last.end === null ? stops.end() : '';
        if (last.piece + rest !== '') yield last.piece + rest;
        return { ids, text: text + rest, ...(last.end ?? endOf(next.value, ends, tokens)) };
      }
      ids.push(next.value);
      const { piece, end } = taken(stops.push(stream.push(next.value)));
      yield piece;
      if (end !== null) return { ids, text, ...end };
    }
  } finally {
    await made.return({ stoppedBy: 'max tokens', endTokenId: null });
  }
}

/** An end token that is a stop string is named as what the caller asked for. */
function endOf(
  { stoppedBy, endTokenId }: GenerationEnd,
  ends: readonly number[],
  tokens: ReadonlyMap<number, string>,
): CompletionEnd {
  const stop = endTokenId === null || ends.includes(endTokenId) ? undefined : tokens.get(endTokenId);
  if (stop === undefined) return { stoppedBy, endTokenId, stopString: null };
  return { stoppedBy: 'stop string', endTokenId: null, stopString: stop };
}
