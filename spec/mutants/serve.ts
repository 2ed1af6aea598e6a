/** Faults of stop strings and chats. */
import type { Mutant } from './mutant.ts';

const stops = { file: 'src/model/stopStrings.ts', specs: ['spec/model/stopStrings.spec.ts'] };
const completion = { file: 'src/model/completion.ts', specs: ['spec/model/completion.spec.ts'] };

export const serveMutants: readonly Mutant[] = [
  {
    ...stops,
    name: 'the stop string that begins first ends a text, though another is complete before it',
    from: 'at + one.length - (begin + stop.length)',
    to: 'at - begin',
  },
  {
    ...stops,
    name: 'of two stop strings that end together the shorter counts',
    from: '(later === 0 && at >= begin)',
    to: '(later === 0 && at < begin)',
  },
  {
    ...stops,
    name: 'the begin of a stop string is given out',
    from: 'const kept = text.length - this.#openEnd(text);',
    to: 'const kept = text.length;',
  },
  {
    ...stops,
    name: 'the shortest open end is held back, not the longest',
    from: 'for (let length = Math.min(longest, text.length); length > 0; length--) {',
    to: 'for (let length = 1; length <= Math.min(longest, text.length); length++) {',
  },
  {
    ...completion,
    name: 'a stop string in what is held back at the end goes unseen',
    from: 'const last = taken(stops.push(stream.end()));',
    to: 'const last = { piece: stream.end(), end: null };',
  },
  {
    ...completion,
    name: 'special tokens that are stop strings end no text',
    from: 'endTokenIds: [...ends, ...tokens.keys()]',
    to: 'endTokenIds: ends',
  },
  {
    ...completion,
    specs: ['spec/formats/chatTemplate.spec.ts'],
    name: 'a chat gets a BOS that its template does not have',
    from: "return { ids, bos: ids.length > 0 && ids[0] === tokenizer.bosTokenId ? 'in the text' : 'none' };",
    to: 'return encodePrompt(tokenizer, text);',
  },
  {
    file: 'src/formats/chatTemplate.ts',
    specs: ['spec/formats/chatTemplate.spec.ts'],
    name: 'a chat to be answered ends without the prompt for an answer',
    from: 'add_generation_prompt: answer,',
    to: 'add_generation_prompt: false,',
  },
];
