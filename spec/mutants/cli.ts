/** Faults of the command line: what is written where, and what is said of it. */
import type { Mutant } from './mutant.ts';

const output = { file: 'src/cli/outputFolder.ts', specs: ['spec/cli/wrongInput.spec.ts'] };
const heal = { file: 'src/cli/healCommand.ts', specs: ['spec/cli/conventions.spec.ts'] };
const recovered = { file: 'src/cli/recovered.ts', specs: ['spec/cli/recovered.spec.ts'] };
const healOptions = {
  file: 'src/cli/commands/heal.ts',
  specs: ['spec/cli/options.spec.ts', 'spec/cli/wrongInput.spec.ts'],
};
const notices = { specs: ['spec/cli/notices.spec.ts'] };
const companions = { file: 'src/formats/write/companions.ts', specs: ['spec/cli/heal.spec.ts'] };

export const cliMutants: readonly Mutant[] = [
  {
    ...output,
    name: 'output: folders are compared by their paths, so that a link goes unnoticed',
    from: 'return found === null ? null : `${found.dev} ${found.ino}`;',
    to: 'return found === null ? null : path;',
  },
  {
    ...output,
    name: 'output: a folder that holds what is read is written to',
    from: 'if ((await identity(holder)) !== own) continue;',
    to: 'if (own !== null) continue;',
  },
  {
    ...output,
    name: 'output: where the files of a model are links to does not count',
    from: '...real.map((file) => dirname(file))])];',
    to: '])];',
  },
  {
    ...output,
    name: 'output: what others wrote is replaced',
    from: 'if (request.force) return;',
    to: 'if (existing.length >= 0) return;',
  },
  {
    ...output,
    name: 'output: --force writes beside what is read',
    from: 'if (await isThere(path)) await checkApart(path, request.reads);',
    to: 'if ((await isThere(path)) && !request.force) await checkApart(path, request.reads);',
  },
  {
    ...output,
    name: 'output: files are written through links',
    from: 'if (found.isFile()) return true;',
    to: 'if (found.isFile() || found.isSymbolicLink()) return true;',
  },
  {
    file: 'src/platform/nodeFolder.ts',
    specs: ['spec/cli/wrongInput.spec.ts'],
    name: 'output: folders made for a path that fails stay',
    from: 'for (const folder of made.toReversed()) await rmdir(folder)',
    to: 'for (const folder of made.slice(made.length)) await rmdir(folder)',
  },
  {
    ...heal,
    name: 'heal: measures in f64 whatever --nll-sum says',
    file: 'src/train/healRun.ts',
    from: 'Transformer.load(weights, backend, Infinity, nllSum)',
    to: 'Transformer.load(weights, backend, Infinity)',
  },
  {
    ...heal,
    name: 'heal: the options of chunks do not reach --valid',
    from: '{ ...options, data: [options.valid] }',
    to: '{ ...options, stride: undefined, data: [options.valid] }',
  },
  {
    ...recovered,
    file: 'src/train/recovered.ts',
    name: 'heal: a share of what pruning did not cost',
    from: ' || cost < NOTHING * dense) return null;',
    to: ') return null;',
  },
  {
    ...recovered,
    name: 'heal: a rise is called a recovery',
    from: 'if (share < 0) return',
    to: 'if (share < -1e9) return',
  },
  {
    ...healOptions,
    name: 'heal: a learning rate below zero is taken',
    from: 'number({ min: 0, above: true, max: 10 })',
    to: 'Number',
  },
  {
    ...healOptions,
    name: 'heal: an alpha of any kind is taken',
    from: 'number({ min: 0, above: true, max: 1e6 }),',
    to: 'Number,',
  },
  {
    file: 'src/cli/options.ts',
    specs: ['spec/cli/wrongInput.spec.ts'],
    name: 'options: the bound that is not allowed is',
    from: '(above ? value > min : value >= min)',
    to: 'value >= min',
  },
  {
    file: 'src/cli/trainingText.ts',
    specs: ['spec/cli/wrongInput.spec.ts'],
    name: 'heal: --seq-len is answered about --chunk',
    from: 'if (seqLen > maxPositionEmbeddings) {',
    to: 'if (seqLen > 2 * maxPositionEmbeddings) {',
  },
  {
    ...heal,
    specs: ['spec/cli/wrongInput.spec.ts'],
    name: 'heal: a wrong --data is told after a measurement',
    from: 'const text = await trainingText(options, { ...opened, weights }, terminal);',
    to: `const held = await loadChunks({ ...options, data: options.valid }, opened, terminal);
    const { perplexity } = await import('../eval/perplexity.ts');
    const { Transformer } = await import('../model/transformer.ts');
    const { Mask: Blocks } = await import('../model/mask.ts');
    const early = await Transformer.load(opened.weights, await trainingBackend(options, null), Infinity);
    terminal.note(figure((await perplexity(early, held, Blocks.empty)).ppl));
    const text = await trainingText(options, { ...opened, weights }, terminal);`,
  },
  {
    ...notices,
    file: 'src/cli/evalOptions.ts',
    name: 'notices: what is peculiar about a text is not shown',
    from: 'terminal?.warn(paths.length === 1 ? `${fileName(paths[0])}: ${note}` : note)',
    to: 'terminal?.note(note.slice(note.length))',
  },
  {
    ...notices,
    file: 'src/eval/convention.ts',
    name: 'notices: skipped chunks are not mentioned',
    from: 'if (data.skippedChunks > 0) {',
    to: 'if (data.skippedChunks < 0) {',
  },
  {
    ...notices,
    file: 'src/eval/convention.ts',
    name: "notices: a text's own BOS is not mentioned",
    from: 'if (!bosInData) return placed;',
    to: 'if (bosInData || placed.length > 0) return placed;',
  },
  {
    ...notices,
    file: 'src/cli/figures.ts',
    name: 'notices: the mean of chunk means is called nats per token',
    from: '`${natsPerToken.toFixed(5)} nats per token`',
    to: '`${nll.toFixed(5)} nats per token`',
  },
  {
    ...notices,
    file: 'src/cli/generateCommand.ts',
    name: "notices: the authors' sampling settings are not shown",
    from: 'for (const line of suggestion(generation)) terminal.note(line);',
    to: '',
  },
  {
    ...notices,
    file: 'src/cli/generateCommand.ts',
    name: "notices: the authors' temperature is applied",
    from: 'const settings = { maxTokens: options.maxTokens, sampling,',
    to: 'const settings = { maxTokens: options.maxTokens, sampling: Object.assign(sampling, generation.suggested),',
  },
  {
    ...notices,
    file: 'src/cli/generateCommand.ts',
    name: 'notices: the end tokens of generation_config.json do not reach generate',
    from: 'rng: seededRng(options.seed), endTokenIds, stop }',
    to: 'rng: seededRng(options.seed), endTokenIds: endTokenIds.slice(1), stop }',
  },
  {
    file: 'src/train/healText.ts',
    specs: ['spec/cli/trainingText.spec.ts'],
    name: 'heal: a text of one window is too short',
    from: 'if (stream.length <= seqLen) {',
    to: 'if (stream.length <= seqLen + 1) {',
  },
  {
    file: 'src/autodiff/gradients.ts',
    specs: ['spec/model/eventLoop.spec.ts'],
    name: 'training: the way back computes without a turn',
    from: 'await turnWhenDue();',
    to: '',
  },
  {
    file: 'src/model/transformer.ts',
    specs: ['spec/model/eventLoop.spec.ts'],
    name: 'forward pass: blocks are computed without a turn',
    from: 'await turnWhenDue();\n    const start',
    to: 'const start',
  },
  ...['jinja|', 'model|', 'licen[cs]e|', 'readme|'].map((kind): Mutant => ({
    ...companions,
    name: `heal: files are left behind: ${kind}`,
    from: kind,
    to: '',
  })),
];
