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
    from: 'begun && beginsText(part) ?',
    to: 'begun && index === 0 && beginsText(part) ?',
  },
  {
    ...tokens,
    name: 'files are left open where reading fails',
    from: 'await content.return();',
    to: 'await content;',
  },
];
