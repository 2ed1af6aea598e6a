/** Faults of stop strings, chats, the server of files, and the verifying of runs. */
import type { Mutant } from './mutant.ts';

const stops = { file: 'src/model/stopStrings.ts', specs: ['spec/model/stopStrings.spec.ts'] };
const served = { file: 'src/cli/serve/servedPath.ts', specs: ['spec/cli/serve/serve.spec.ts'] };
const files = { file: 'src/cli/serve/staticFiles.ts', specs: ['spec/cli/serve/serve.spec.ts'] };
const range = { file: 'src/cli/serve/byteRange.ts', specs: ['spec/cli/serve/byteRange.spec.ts'] };
const verify = { file: 'src/cli/verifyCommand.ts', specs: ['spec/cli/verify.spec.ts'] };
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
    ...verify,
    name: 'on the same backend a perplexity need not agree to the last bit',
    from: 'if (then.ppl === now.ppl && then.status === now.status) {',
    to: 'if (Math.abs((then.ppl ?? 0) / (now.ppl ?? 0) - 1) < 1e-12) {',
  },
  {
    ...verify,
    name: 'the end is measured without the repair and the removed blocks',
    from: 'convention: options.convention, run };',
    to: 'convention: options.convention };',
  },
  {
    ...verify,
    name: 'fitted tensors are not read',
    from: 'await store.read(tensor);',
    to: '',
  },
  {
    ...verify,
    file: 'src/cli/verify/journalCheck.ts',
    name: 'steps of the document are not looked up in the journal',
    from: 'for (const { step, removed, ...ppl } of recorded.steps) {',
    to: 'for (const { step, removed, ...ppl } of recorded.steps.slice(0, 0)) {',
  },
  {
    ...verify,
    file: 'src/cli/verify/journalCheck.ts',
    name: 'the journal of another text passes',
    from: "if (header.tokens !== recorded.data.hash) throw differs('text');",
    to: '',
  },
  {
    ...served,
    name: 'a path is decoded twice',
    from: 'decoded = decodeURIComponent(path.slice(1));',
    to: 'decoded = decodeURIComponent(decodeURIComponent(path.slice(1)));',
  },
  {
    ...served,
    name: 'parts of a path may begin with a dot',
    from: "part !== '' && !part.startsWith('.') && ",
    to: "part !== '' && ",
  },
  {
    ...served,
    name: 'links that lead out of the folder are followed',
    from: "if (inside !== '' && !inside.split(sep).every(isPlain)) return NONE;",
    to: '',
  },
  {
    ...files,
    name: 'a request under any name is answered',
    from: 'if (hosts !== null && !hosts.has(hostOf(request))) {',
    to: 'if (hosts !== null && hosts.size === 0) {',
  },
  {
    ...files,
    name: 'a range of another version of a file is sent',
    from: 'wanted === undefined || wanted === tag ?',
    to: "wanted !== '' ?",
  },
  {
    ...range,
    name: 'the last bytes are read as the first',
    from: '{ start: size - length, end: size - 1 }',
    to: '{ start: 0, end: length - 1 }',
  },
  {
    ...range,
    name: 'a range that goes on beyond the file is not cut',
    from: 'Math.min(Number(last), size - 1)',
    to: 'Number(last)',
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
