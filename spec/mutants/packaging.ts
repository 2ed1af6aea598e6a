/** Faults of what the package carries, of its interop, and of models that come along. */
import type { Mutant } from './mutant.ts';

const ndarray = { file: 'src/tensor/ndarray.ts', specs: ['spec/tensor/ndarray.spec.ts'] };
const shape = { file: 'src/tensor/shape.ts', specs: ['spec/tensor/shape.spec.ts'] };
const tiny = { file: 'src/cli/tinyModels.ts', specs: ['spec/cli/tinyModels.spec.ts'] };
const dist = { file: 'src/web/bundle/package.ts', specs: ['spec/package.spec.ts'] };

export const packagingMutants: readonly Mutant[] = [
  {
    ...ndarray,
    name: 'an ndarray of a scalar has no stride',
    from: 't.shape.length === 0 ? [0] : rowMajorStrides(t.shape)',
    to: 'rowMajorStrides(t.shape)',
  },
  {
    ...ndarray,
    name: 'a contiguous ndarray is read from the start of its memory, not from its offset',
    from: 'values.subarray(x.offset, x.offset + count)',
    to: 'values.subarray(0, count)',
  },
  {
    ...ndarray,
    name: 'whatever is wrong with @stdlib/ndarray, it is said not to be installed',
    from: "cause.code === 'ERR_MODULE_NOT_FOUND'",
    to: 'true',
    specs: ['spec/package.spec.ts'],
  },
  {
    ...shape,
    name: 'strides are counted from the axis itself',
    from: `    strides[axis] = stride;
    stride *= shape[axis];`,
    to: `    stride *= shape[axis];
    strides[axis] = stride;`,
  },
  {
    ...shape,
    name: 'a scalar has no element',
    from: '(product, size) => product * size, 1)',
    to: '(product, size) => product * size, Math.min(1, shape.length))',
  },
  {
    file: 'src/formats/openModel.ts',
    name: 'the library does not know the models that come along',
    from: 'if (tiny !== null) return',
    to: 'if (tiny === argument) return',
    specs: ['spec/examples.spec.ts'],
  },
  {
    ...tiny,
    name: 'the text that comes along replaces the one that was given',
    from: 'if (command.opts<{ data?: unknown }>().data !== undefined) return;',
    to: '',
  },
  {
    ...tiny,
    file: 'src/platform/nodeTinyModels.ts',
    name: 'a folder without a model is a model that comes along',
    from: "existsSync(join(home, entry, 'config.json'))",
    to: "existsSync(join(home, entry, ''))",
    specs: ['spec/cli/wrongInput.spec.ts'],
  },
  {
    ...dist,
    name: 'declarations that no entry leads to stay in the package',
    from: '!reached.has(join(folder, name))',
    to: "!reached.has(join(folder, name)) && !name.endsWith('.d.ts')",
  },
  {
    ...dist,
    name: 'what the program starts by its path is taken for unreachable',
    from: 'for (const next of namedBy(file)) reached.add(next)',
    to: "if (!file.endsWith('doctorCommand.js')) for (const next of namedBy(file)) reached.add(next)",
  },
];
