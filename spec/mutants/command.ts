/** Faults of the repair's files and documents, and of what commands make of them. */
import type { Mutant } from './mutant.ts';

const store = { file: 'src/repair/store.ts', specs: ['spec/repair/store.spec.ts'] };
const document = { file: 'src/repair/document.ts', specs: ['spec/repair/document.spec.ts'] };
const reading = { file: 'src/repair/readDocument.ts', specs: ['spec/repair/document.spec.ts'] };
const scaled = { ...reading, specs: ['spec/cli/repairScale.spec.ts'] };
const edits = { file: 'src/cli/runEdits.ts', specs: ['spec/cli/runEdits.spec.ts'] };

export const commandMutants: readonly Mutant[] = [
  {
    ...store,
    name: 'store: a file is taken for a fit without its hash being looked at',
    from: 'if (hashOf(values, hasher) === sha256) return values;',
    to: 'if (hashOf(values, hasher) !== "") return values;',
  },
  {
    ...store,
    name: 'store: a tensor has one file, whatever its values are',
    from: 'return `${FOLDER}/${name}-${sha256.slice(0, 16)}.safetensors`;',
    to: 'return `${FOLDER}/${name}-${sha256.slice(0, 0)}.safetensors`;',
  },
  {
    ...document,
    name: 'repair document: the fitted part is the whole text',
    from: 'fitted: repairFigures(chunks, scores, (chunk) => !isHeldOut(chunk)),',
    to: 'fitted: repairFigures(chunks, scores),',
  },
  {
    ...document,
    name: 'repair document: a part of a text has the bytes of the whole',
    from: 'const measured = whole ? chunks : { ...chunks, scoredBytes: null };',
    to: 'const measured = whole ? chunks : { ...chunks };',
  },
  {
    ...reading,
    name: 'repair document: a file name is taken as it stands',
    from: 'return file === tensorFile(name, sha256) ?',
    to: "return typeof file === 'string' ?",
  },
  {
    ...reading,
    name: 'repair document: a tensor may have another shape than the model',
    from: 'if (own?.shape.join() !== tensor.shape.join())',
    to: 'if (own === undefined)',
  },
  {
    ...scaled,
    name: 'repair document: a scale is read and never folded into the weights',
    from: '[...storedEdits(tensors, store), ...scaleEdits(config, mask, scales)]',
    to: 'storedEdits(tensors, store)',
  },
  {
    ...reading,
    name: 'repair document: a scale may turn a stream round',
    from: '!(scale > 0 && scale < Infinity)',
    to: '!(scale < Infinity)',
  },
  {
    ...edits,
    name: 'run: the last repair serves every step',
    from: 'const found = repairs.find((repair) => sameBlocks(repair.mask, mask));',
    to: 'const found = repairs.at(0);',
  },
  {
    ...edits,
    name: 'run: a document that cannot be read holds no repair',
    from: "if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;",
    to: 'return null;',
  },
  {
    ...edits,
    name: "run: another model's repair is taken",
    from: 'await requireOwnRun(run, weights, warn);',
    to: 'await requireOwnRun(run, weights, warn).catch(() => undefined);',
  },
  {
    file: 'src/train/healRun.ts',
    specs: ['spec/cli/runEdits.spec.ts'],
    name: 'heal: a repaired model is trained without its repair',
    from: 'const weights = repaired?.weights ?? source;',
    to: 'const weights = source;',
  },
];
