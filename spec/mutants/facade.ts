/** Faults in the library's facade. */
import type { Mutant } from './mutant.ts';

const specs = ['spec/library/load.spec.ts'];

export const facadeMutants: readonly Mutant[] = [
  {
    specs: [...specs, 'spec/library/queue.spec.ts'],
    name: 'calls made at once run at once',
    file: 'src/library/queue.ts',
    from: 'this.#last = this.#last.then(inTurn);',
    to: 'void inTurn();',
  },
  {
    specs: [...specs, 'spec/library/queue.spec.ts'],
    name: 'a call that was aborted while it waited runs all the same',
    file: 'src/library/queue.ts',
    from: 'if (!signal.aborted) await',
    to: 'await',
  },
  {
    specs: [...specs, 'spec/library/queue.spec.ts'],
    name: 'an aborted call that waits is told so in its turn only',
    file: 'src/library/queue.ts',
    from: "signal.addEventListener('abort', giveUp);",
    to: '',
  },
  {
    specs,
    name: 'who leaves the loop leaves the search running',
    file: 'src/library/running.ts',
    from: '      this.#abandoned.abort();\n',
    to: '',
  },
  {
    specs,
    name: 'a step that nobody has read yet is lost to the next',
    file: 'src/library/localModel.ts',
    from: "unread.type === latest.type && ['progress', 'repairing'].includes(latest.type)",
    to: 'true',
  },
  {
    specs,
    name: 'weights summed in f64 serve a call that wants f32',
    file: 'src/session/loadedWeights.ts',
    from: 'this.#loaded.model.nllSum !== nllSum || ',
    to: '',
  },
  {
    specs,
    name: 'closing waits for what runs',
    file: 'src/library/localModel.ts',
    from: "this.#closed.abort(new DisposedError('the model was closed.', { where: this.description }));",
    to: '',
  },
  {
    specs,
    name: 'a misspelled option is passed over',
    file: 'src/library/options.ts',
    from: 'if (!Object.hasOwn(rules, name)) {',
    to: 'if (!Object.hasOwn(rules, name)) continue;\n    if (false) {',
  },
  {
    name: 'messages of the library name flags',
    file: 'src/library/words.ts',
    from: 'if (name === undefined) return flag;',
    to: 'return flag;',
    specs: ['spec/library/words.spec.ts'],
  },
  {
    name: 'an aborted call in a page has a reason of its own',
    file: 'src/web/line.ts',
    from: 'throw aborted ? controller.signal.reason : error;',
    to: 'throw error;',
    specs: ['spec/web/client.spec.ts'],
  },
  {
    name: 'a page that is not told who closed its model waits forever',
    file: 'src/web/line.ts',
    from: 'for (const { reject } of this.#pending.values()) reject(reason);',
    to: '',
    specs: ['spec/web/client.spec.ts'],
  },
  {
    name: 'a start page is taken for a file of the model',
    file: 'src/web/urlFiles.ts',
    from: 'return ok && !',
    to: 'return ok || ',
    specs: ['spec/web/urlFiles.spec.ts'],
  },
  {
    specs,
    name: 'healing keeps the tokenizer to itself',
    file: 'src/formats/write/companions.ts',
    from: '[...folder.files].filter(isCompanion)',
    to: "['config.json']",
  },
  {
    specs,
    name: 'healing trains on the first tokens that are measured only',
    file: 'src/library/data.ts',
    from: '{ ...settings, tokens: null, sample: null }',
    to: '{ ...settings, tokens: 20, sample: null }',
  },
];
