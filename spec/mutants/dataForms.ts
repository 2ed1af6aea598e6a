/** Faults of the forms in which data come. */
import type { Mutant } from './mutant.ts';

const specs = ['spec/eval/dataForms.spec.ts'];
const csv = { file: 'src/eval/csvRows.ts', specs };
const array = { file: 'src/eval/jsonArray.ts', specs };
const tokens = { file: 'src/eval/tokenData.ts', specs };

export const dataFormMutants: readonly Mutant[] = [
  {
    ...csv,
    name: 'csv: two quotes inside a field are none',
    from: "this.#place = 'quoted';\n      this.#add(char);",
    to: "this.#place = 'quoted';",
  },
  {
    ...csv,
    name: 'csv: line ends inside quotes are not counted',
    from: 'else {\n        this.#line++;',
    to: 'else {',
    specs: ['spec/eval/csvRows.spec.ts'],
  },
  {
    ...csv,
    name: 'csv: a row that is one empty text is passed over',
    from: "!this.#quotes && row[0] === ''",
    to: "row[0] === ''",
    specs: ['spec/eval/csvRows.spec.ts'],
  },
  {
    ...array,
    name: 'json: a bracket inside a string counts',
    from: "if (char === '\"') this.#place = 'string';",
    to: "if (char === '\"') this.#depth += 0;",
  },
  {
    ...array,
    name: 'json: a quote after a backslash ends the string',
    from: "if (char === '\\\\') this.#place = 'escape';",
    to: "if (char === '\\\\') this.#place = 'string';",
  },
  {
    ...tokens,
    name: 'nothing stands between the texts of two files',
    from: 'yield begun && begins ?',
    to: 'yield begun && begins && this.#notes.length === 1 ?',
  },
  {
    ...tokens,
    name: 'files are left open where reading fails',
    from: 'await content.return();',
    to: 'await content;',
  },
  {
    file: 'src/eval/windows.ts',
    specs: ['spec/eval/windows.spec.ts'],
    name: 'the last start of a window is drawn as well',
    from: 'random.upTo(ids.length - length - 1)',
    to: 'random.upTo(ids.length - length)',
  },
  {
    file: 'src/eval/windows.ts',
    specs: ['spec/eval/windows.spec.ts'],
    name: 'a window is drawn from a text that is as long',
    from: 'while (ids.length <= length);',
    to: 'while (ids.length < length);',
  },
  {
    file: 'src/tensor/pythonRandom.ts',
    specs: ['spec/tensor/pythonRandom.spec.ts'],
    name: 'a number beyond the range is folded into it',
    from: 'if (drawn <= most) return drawn;',
    to: 'return drawn % (most + 1);',
  },
  {
    file: 'src/eval/chunks.ts',
    specs: ['spec/eval/windows.spec.ts'],
    name: 'documents are drawn from beyond --tokens',
    from: 'left -= text.length;',
    to: '',
  },
  {
    file: 'src/eval/lineEnds.ts',
    specs: ['spec/eval/lineEnds.spec.ts'],
    name: 'CRLF across two pieces becomes two line ends',
    from: 'const text = this.#waiting ? `\\r${piece}` : piece;',
    to: 'const text = this.#waiting ? `\\n${piece}` : piece;',
  },
  {
    file: 'src/platform/decodedText.ts',
    specs: ['spec/platform/textPieces.spec.ts'],
    name: 'what failed while a packed file was read is called a bad gzip file',
    from: 'failed?.error instanceof BadSource ? failed.error.cause : notGzip(name, cause)',
    to: 'notGzip(name, cause)',
  },
  {
    file: 'src/cli/evalOptions.ts',
    specs: ['spec/cli/dataForms.spec.ts'],
    name: 'the second --data takes the place of the first',
    from: 'return [...before, value];',
    to: 'return [...before.slice(1), value];',
  },
  {
    file: 'src/formats/chatTemplate.ts',
    specs: ['spec/formats/chatTemplate.spec.ts'],
    name: 'a chat template does not know the BOS',
    from: 'bos_token: token(tokenizer?.bosTokenId),',
    to: "bos_token: '',",
  },
  {
    file: 'src/eval/chats.ts',
    specs: ['spec/formats/chatTemplate.spec.ts'],
    name: 'who speaks in an older chat is not renamed',
    from: 'return { role: speakers[role], content };',
    to: 'return { role, content };',
  },
];
