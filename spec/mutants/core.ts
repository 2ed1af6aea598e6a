/** Faults of taps, edits, shapes of layers, and of what a block holds. */
import type { Mutant } from './mutant.ts';

const tap = { file: 'src/model/tap.ts', specs: ['spec/model/tap.spec.ts'] };

const edit = { file: 'src/model/edit.ts', specs: ['spec/model/edit.spec.ts'] };
const view = { ...edit, file: 'src/model/editView.ts' };
const relayer = { ...edit, file: 'src/model/relayer.ts' };
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
    ...view,
    name: 'a rewrite of another length passes',
    from: 'if (values.length === sizeOf(shape)) return values;',
    to: 'if (values.length > 0) return values;',
  },
  {
    ...relayer,
    name: 'a moved layer brings the tensors of its new place',
    from: 'const old = blockTensorNames(base.config, { ...block, layer: from });',
    to: 'const old = blockTensorNames(base.config, block);',
  },
  {
    ...edit,
    name: 'the hash of a rewrite does not see the values',
    from: '    hashValues(hasher, await place.read());\n',
    to: '',
  },
  {
    ...view,
    name: 'an edit alone is hashed, not the model under it',
    from: "      await base.contentHash({ update: (bytes) => hasher.update(bytes), digest: () => '' });\n",
    to: '',
  },
  {
    ...edit,
    name: 'the config keeps a removed MLP',
    from: "mask.has({ layer, kind: 'mlp' }) ? null : spec.mlp",
    to: 'spec.mlp',
  },
  {
    ...view,
    name: 'rows of a rewritten tensor are those of the old one',
    from: '      return (await read()).slice(from * width, to * width);',
    to: '      return (await read()).slice(0, (to - from) * width);',
  },
  {
    ...view,
    name: 'files of an edited model are not checked',
    from: 'assertUnchanged: () => base.assertUnchanged()',
    to: 'assertUnchanged: () => Promise.resolve()',
  },
  {
    file: 'src/prune/modelSummary.ts',
    specs: ['spec/prune/cutModel.spec.ts'],
    name: 'a document names the blocks that were there as those that were not',
    from: '.filter((block) => !hasBlock(config, block))',
    to: '.filter((block) => hasBlock(config, block))',
  },
  {
    file: 'src/prune/report/layerPicture.ts',
    specs: ['spec/prune/report/layerPicture.spec.ts'],
    name: 'a block that was never there is drawn as one that stayed',
    from: 'if (absent.has(name))',
    to: 'if (absent.has(String(layer)))',
  },
  {
    file: 'src/model/footprint.ts',
    specs: ['spec/model/footprint.spec.ts'],
    name: 'a footprint is that of the first block',
    from: 'Math.max(0, ...blocks.map(({ bytesPerRow }) => bytesPerRow))',
    to: 'blocks[0].bytesPerRow',
  },
];
