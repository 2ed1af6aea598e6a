/** Faults of taps, edits, shapes of layers, and of what a block holds. */
import type { Mutant } from './mutant.ts';

const tap = { file: 'src/model/tap.ts', specs: ['spec/model/tap.spec.ts'] };

const shapes = { specs: ['spec/model/layerSpecs.spec.ts'] };
const footprint = { file: 'src/model/countingOps.ts', specs: ['spec/model/footprint.spec.ts'] };

export const coreMutants: readonly Mutant[] = [
  {
    ...tap,
    name: 'a tap is shown the stream after the block as the one before',
    from: 'layer: block.layer }, x, after, scope)',
    to: 'layer: block.layer }, after, after, scope)',
  },
  {
    ...tap,
    name: 'a tap that fails late is not heard',
    from: '    await Promise.all(pending);\n',
    to: '',
  },
  {
    ...tap,
    name: 'a tap that fails leaves the others with freed arrays',
    from: '    await Promise.allSettled(pending);\n',
    to: '',
  },
  {
    ...footprint,
    name: 'the dry run takes a moved head for one that is shared',
    from: `  rope(x: DeviceTensor): DeviceTensor {
    return this.#made(x.rows, x.cols);`,
    to: `  rope(x: DeviceTensor): DeviceTensor {
    return x;`,
  },
  {
    ...footprint,
    name: 'the dry run counts what is only seen in another shape',
    from: '    return { rows, cols };\n  }\n\n  #made',
    to: '    return this.#made(rows, cols);\n  }\n\n  #made',
  },
  {
    ...shapes,
    file: 'src/model/walk.ts',
    name: 'a walk passes blocks that are not there',
    from: 'spec[kind] !== null',
    to: 'spec[kind] !== undefined',
  },
  {
    ...shapes,
    file: 'src/model/walk.ts',
    name: 'a mask may name a block that is not there',
    from: '  for (const block of mask.blocks) requireBlock(model, block);\n',
    to: '',
  },
  {
    ...shapes,
    file: 'src/model/tensorShapes.ts',
    name: 'every MLP is as wide as the first',
    from: 'mlpSpec(config, layer)',
    to: 'mlpSpec(config, 0)',
  },
  {
    ...shapes,
    file: 'src/model/config.ts',
    name: 'the hash of a config does not see the key heads of later layers',
    from: 'mha.kvHeads === kvHeads && ',
    to: '',
  },
  {
    ...shapes,
    file: 'src/model/config.ts',
    name: 'the windows stand elsewhere in the text that is hashed',
    from: "if (name === 'qkNorm') fields.slidingWindow",
    to: "if (name === 'mlpBias') fields.slidingWindow",
  },
  {
    file: 'src/model/footprint.ts',
    specs: ['spec/model/footprint.spec.ts'],
    name: 'a footprint is that of the first block',
    from: 'Math.max(0, ...blocks.map(({ bytesPerRow }) => bytesPerRow))',
    to: 'blocks[0].bytesPerRow',
  },
];
