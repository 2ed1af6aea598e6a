/** `repair --write`: the repaired model as a folder that other programs load. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AccessError } from '../errors.ts';
import { openModel, type OpenedModel } from '../formats/openModel.ts';
import { storedType } from '../formats/write/safetensorsWriter.ts';
import { edited } from '../model/edit.ts';
import type { Mask } from '../model/mask.ts';
import { silenceEdits } from '../model/silence.ts';
import { folderFiles } from '../platform/nodeFiles.ts';
import { prepareFolder, writeFileWhole } from '../platform/nodeFolder.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import type { RepairRunResult } from '../prune/repair/repairRun.ts';
import { repairEdits, writtenRepair } from '../repair/readDocument.ts';
import { tensorStore } from '../repair/store.ts';
import { checkCompanions, companionFiles } from './companionFiles.ts';
import { isCard, keepModel, keptWords } from './keptModel.ts';
import { isOurCard, repairedCard } from './modelCard.ts';
import { checkOutput } from './outputFolder.ts';

/** A folder that is fit to be written to. */
export interface WriteRequest {
  readonly model: string;
  readonly folder: string;
  /** The files that go along with the weights. */
  readonly files: readonly string[];
  readonly force: boolean;
}

/**
 * Checks before anything is opened or computed that the model can be written there.
 * @throws UsageError or AccessError.
 */
export async function checkWrite(
  model: string,
  folder: string,
  reads: readonly string[],
  force: boolean,
): Promise<WriteRequest> {
  const files = await companionFiles(model, '--write');
  await checkOutput({
    folder,
    kind: 'repair --write',
    reads,
    alsoWrites: files.filter((name) => !isCard(name)),
    force,
  });
  return { model, folder, files, force };
}

/** The same for what only the opened model tells. @throws AccessError naming what is in the way. */
export async function prepareWrite({ model, folder, files, force }: WriteRequest, opened: OpenedModel): Promise<void> {
  const plain = files.filter((name) => !isCard(name));
  await checkCompanions(model, plain, folder, force, opened.weights.config);
  const card = join(folder, files.find(isCard) ?? 'README.md');
  const there = await readFile(card, 'utf8').catch(() => null);
  if (!force && there !== null && !isOurCard(there)) {
    throw new AccessError('was not written by `repair --write` and would be replaced.', {
      where: card,
      remedy: 'Give another folder, or --force to replace it.',
    });
  }
  await prepareFolder(folder);
}

/**
 * Writes the model: rewritten tensors in place of the old ones, removed blocks silenced.
 * @param out the repair's own folder, which holds the tensors.
 * @returns what to say of it.
 */
export async function writeRepaired(
  { model, folder, files }: WriteRequest,
  { weights }: OpenedModel,
  mask: Mask,
  result: RepairRunResult,
  out: string,
): Promise<string[]> {
  const store = tensorStore(folderFiles(out), nodeHasher);
  const edits = repairEdits(writtenRepair(result.repair), weights.config, mask, store);
  const storedAs = storedType(weights);
  const repaired = edited(weights, [...edits, ...silenceEdits(weights, mask)]);
  const card = (own: string): string => repairedCard(result, storedAs, own);
  await keepModel({ folder: model, companions: files, weights: repaired, storedAs, mask, card }, folder);
  const written = await openModel(folder);
  try {
    const contentHash = await written.weights.contentHash(nodeHasher());
    const document = { ...result, schema: 'blockpruner.repaired/1', model: { ...result.model, contentHash } };
    await writeFileWhole(join(folder, 'repaired.json'), `${JSON.stringify(document, null, 2)}\n`);
  } finally {
    await written.close();
  }
  return ['', ...keptWords(folder, 'repaired')];
}
