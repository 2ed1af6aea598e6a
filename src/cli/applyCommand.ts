/** `blockpruner apply`: a pruned model as a file that other programs run. */
import { lstat, stat, statfs } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { AccessError, UnsupportedModelError, UsageError } from '../errors.ts';
import { plural } from '../drawing/numbers.ts';
import { ggufLayout } from '../formats/gguf/layout.ts';
import type { WrittenType } from '../formats/gguf/quantize.ts';
import { openModel, type OpenedModel } from '../formats/openModel.ts';
import { ggufWriter } from '../formats/write/ggufWriter.ts';
import { writeModel } from '../formats/write/modelWriter.ts';
import type { ModelConfig } from '../model/config.ts';
import { edited } from '../model/edit.ts';
import { Mask } from '../model/mask.ts';
import { countParameters } from '../model/parameters.ts';
import type { WeightSource } from '../model/weights.ts';
import { accessError } from '../platform/nodeFile.ts';
import { folderSink } from '../platform/nodeFileSink.ts';
import { prepareFolder } from '../platform/nodeFolder.ts';
import { PROGRAM_VERSION } from '../platform/programVersion.ts';
import { seededRng } from '../tensor/rng.ts';
import { byteSize, figure, percent } from './figures.ts';
import { openRun, openWith, type ModelOptions } from './openRun.ts';
import {
  checkPruned,
  prunedEdits,
  prunedWords,
  repairedWeights,
  type PrunedOptions,
  type RunEdits,
} from './runEdits.ts';
import { Terminal } from './terminal.ts';

export interface ApplyOptions extends ModelOptions, PrunedOptions {
  out: string;
  quantize?: WrittenType;
  force: boolean;
  json: boolean;
  quiet: boolean;
}

/** The file that was written, and how it compares. */
interface Applied {
  readonly schema: 'blockpruner.apply/1';
  readonly version: string;
  readonly model: string;
  readonly mask: string;
  readonly file: string;
  readonly arch: string;
  readonly layers: number;
  readonly zeroBlocks: { readonly mha: number; readonly mlp: number };
  readonly parameters: { readonly dense: number; readonly pruned: number };
  readonly bytes: { readonly dense: number; readonly pruned: number };
  /** Largest difference of a token's nats between the pruned model and the file. */
  readonly check: { readonly tokens: number; readonly difference: number };
}

/**
 * Writes the pruned model, repaired where the run is, opens what was written, and holds it to the
 * pruned model on a few tokens.
 */
export async function applyCommand(argument: string, options: ApplyOptions): Promise<void> {
  const terminal = new Terminal(options);
  const { out, quantize = null, run, mask } = options;
  checkPruned(options);
  if (run === undefined && mask === undefined) {
    throw new UsageError('what was removed is not clear.', { remedy: 'Give --run or --mask.' });
  }
  await checkFile(out, options.force);
  let found: RunEdits = { mask: Mask.empty, edits: [], repair: null };
  const workload = { ...options, data: [], chunk: TOKENS };
  const opened = await openWith(argument, workload, terminal, async (model) => {
    await checkSource(argument, out, model);
    found = await prunedEdits(options, model.weights, (text) => terminal.warn(text));
    return repairedWeights(model.weights, found);
  });
  let written: Omit<Applied, 'check'>;
  let ids: Int32Array;
  let wanted: Float32Array;
  try {
    const { weights, metadata } = opened.opened;
    const pruned = edited(opened.model.source, [{ type: 'remove', blocks: found.mask.blocks }]);
    await checkSpace(out, bytesOf(pruned));
    await prepareFolder(dirname(resolve(out)));
    const writer = ggufWriter({ file: basename(out), metadata, type: quantize });
    await writeModel(writer, pruned, new Map(), folderSink(dirname(resolve(out))));
    written = await describe(out, weights, pruned, found.mask);
    ids = someTokens(weights.config);
    [wanted] = await opened.model.nll([ids], found.mask);
  } finally {
    await opened.close();
  }
  const check = { tokens: ids.length, difference: await differenceOf(out, ids, wanted, workload) };
  const result: Applied = { ...written, check };
  if (options.json) terminal.document(result);
  terminal.result(summary(result, prunedWords(found.mask, found.repair), quantize));
}

/** @throws UsageError for a name of another format, AccessError for what is in the way. */
async function checkFile(out: string, force: boolean): Promise<void> {
  if (!out.toLowerCase().endsWith('.gguf')) {
    throw new UsageError('is not the name of a GGUF file.', { where: out, remedy: 'Give --out NAME.gguf.' });
  }
  const there = await lstat(out).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw accessError(out, cause);
  });
  if (there === null) return;
  if (!there.isFile()) throw new AccessError('is there, and is not a file.', { where: out });
  if (!force) {
    throw new AccessError('is there already and would be replaced.', {
      where: out,
      remedy: 'Give another --out, or --force to replace it.',
    });
  }
}

/** @throws UsageError where the source would be replaced, UnsupportedModelError for its format. */
async function checkSource(argument: string, out: string, { metadata, description }: OpenedModel): Promise<void> {
  const [source, target] = await Promise.all(
    [argument, out].map((path) => stat(path, { bigint: true }).catch(() => null)),
  );
  if (source !== null && target !== null && source.dev === target.dev && source.ino === target.ino) {
    throw new UsageError('is the model itself.', { where: out, remedy: 'Give another --out.' });
  }
  if (metadata !== null) return;
  throw new UnsupportedModelError(
    'only a GGUF model can be written as GGUF so far: its tokenizer comes along from its file.',
    {
      where: description,
      remedy: 'Give the model as a .gguf file.',
    },
  );
}

/** @throws AccessError where the disk has less room than the model takes. */
async function checkSpace(out: string, bytes: number): Promise<void> {
  const folder = dirname(resolve(out));
  // A folder that is yet to be made lies on some disk too; then the system tells.
  const disk = await statfs(folder).catch(() => null);
  if (disk === null || disk.bavail * disk.bsize >= bytes) return;
  throw new AccessError(`has ${byteSize(disk.bavail * disk.bsize)} free, and the file takes ${byteSize(bytes)}.`, {
    where: folder,
    remedy: 'Make room, or give an --out on another disk.',
  });
}

function bytesOf({ tensors }: WeightSource): number {
  return [...tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
}

async function describe(
  out: string,
  weights: WeightSource,
  pruned: WeightSource,
  mask: Mask,
): Promise<Omit<Applied, 'check'>> {
  const { arch, zeroBlocks } = ggufLayout(pruned.config);
  const back = await openModel(out);
  try {
    return {
      schema: 'blockpruner.apply/1',
      version: PROGRAM_VERSION,
      model: basename(weights.name),
      mask: mask.toString(),
      file: basename(out),
      arch,
      layers: back.weights.config.layers.length,
      zeroBlocks,
      parameters: { dense: countParameters(weights).total, pruned: countParameters(pruned).total },
      bytes: { dense: bytesOf(weights), pruned: bytesOf(back.weights) },
    };
  } finally {
    await back.close();
  }
}

/** Tokens of the comparison. */
const TOKENS = 64;

/** Tokens drawn at random, the same each time. */
function someTokens({ vocabSize, maxPositionEmbeddings }: ModelConfig): Int32Array {
  const rng = seededRng(0);
  return Int32Array.from({ length: Math.min(TOKENS, maxPositionEmbeddings) }, () => rng.int(vocabSize));
}

/** How far the file lies from the pruned model, which is no longer in memory: nats of a token. */
async function differenceOf(
  out: string,
  ids: Int32Array,
  wanted: Float32Array,
  workload: Parameters<typeof openRun>[1],
): Promise<number> {
  // A path, whatever the model was.
  const file = await openRun(out, { ...workload, hub: false }, new Terminal({ quiet: true, json: true }));
  try {
    const [got] = await file.model.nll([ids], Mask.empty);
    return Math.max(...got.map((value, at) => Math.abs(value - wanted[at])));
  } finally {
    await file.close();
  }
}

function summary(result: Applied, removed: string, quantize: WrittenType | null): string {
  const { file, arch, layers, zeroBlocks, parameters, bytes, check } = result;
  const change = (from: number, to: number): string => `${to < from ? '−' : '+'}${percent(Math.abs(1 - to / from))}`;
  const zeros = [
    ...(zeroBlocks.mha > 0 ? [plural(zeroBlocks.mha, 'attention')] : []),
    ...(zeroBlocks.mlp > 0 ? [`${plural(zeroBlocks.mlp, 'MLP')} of width 32`] : []),
  ];
  const same =
    check.difference === 0
      ? 'the same numbers to the last bit'
      : `numbers that differ by ${figure(check.difference)} nats per token at most`;
  return [
    `${file}: ${removed}`,
    `architecture ${arch}, ${plural(layers, 'layer')}${zeros.length === 0 ? '' : `; ${zeros.join(' and ')} that add zero, because llama.cpp needs them`}`,
    `weights ${byteSize(bytes.dense)} → ${byteSize(bytes.pruned)} (${change(bytes.dense, bytes.pruned)}), parameters ${change(parameters.dense, parameters.pruned)}`,
    `${quantize === null ? 'stored tensors copied byte for byte' : `matrices written as ${quantize}`}; opened again, it gives ${same} over ${check.tokens} tokens`,
    '',
    `run it: llama-cli -m ${file}`,
  ].join('\n');
}
