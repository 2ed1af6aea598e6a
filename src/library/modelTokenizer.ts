import type { OpenedModel } from '../formats/modelFiles.ts';
import type { ModelTokenizer, Signal } from './model.ts';

/** A model's tokenizer, whose work is done in turn. @param inTurn runs it, under a signal. */
export function modelTokenizer(
  tokenizer: OpenedModel['tokenizer'],
  inTurn: <T>(signal: Signal | undefined, work: () => Promise<T>) => Promise<T>,
): ModelTokenizer | null {
  if (tokenizer === null) return null;
  const { description, vocabSize, bosTokenId, eosTokenId, addsBos } = tokenizer;
  return {
    description,
    vocabSize,
    bosTokenId,
    eosTokenId,
    addsBos,
    encode: (text, { signal } = {}) => inTurn(signal, () => Promise.resolve(tokenizer.encode(text))),
    decode: (ids, { signal } = {}) => inTurn(signal, () => Promise.resolve(tokenizer.decode(ids))),
  };
}
