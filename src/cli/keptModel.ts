/** Writes a pruned model that was healed or repaired as a folder which other programs load. */
import { writeModel } from '../formats/write/modelWriter.ts';
import { safetensorsWriter, type StoredType } from '../formats/write/safetensorsWriter.ts';
import { join } from 'node:path';
import type { Mask } from '../model/mask.ts';
import type { WeightSource } from '../model/weights.ts';
import { folderSink } from '../platform/nodeFileSink.ts';
import { writeFileWhole } from '../platform/nodeFolder.ts';
import { writeOfficialOrder } from '../prune/officialOrder.ts';
import { readCompanions } from './companionFiles.ts';

export interface ModelToKeep {
  /** The model's folder, whose other files go along: all of `companions`, by name. */
  readonly folder: string;
  readonly companions: readonly string[];
  /** Removed blocks add zero in these. */
  readonly weights: WeightSource;
  readonly storedAs: StoredType;
  /** What was removed. */
  readonly mask: Mask;
  /** The model card, where it is not to be the model's own. */
  readonly card?: (own: string) => string;
}

/**
 * Writes the model, the files beside it, and the order of removal in BlockPruner's own format.
 * @param out a folder that is there.
 * @throws what the source and the files throw; the model appears whole or not at all.
 */
export async function keepModel(model: ModelToKeep, out: string): Promise<void> {
  const { folder, companions, weights, storedAs, mask, card } = model;
  const files = await readCompanions(folder, companions, weights.config);
  if (card !== undefined) {
    const own = [...files.keys()].find(isCard) ?? CARD;
    files.set(own, Buffer.from(card(Buffer.from(files.get(own) ?? []).toString())));
  }
  await writeModel(safetensorsWriter(storedAs), weights, files, folderSink(out));
  await writeFileWhole(orderIn(out), writeOfficialOrder([mask.blocks]));
}

const CARD = 'README.md';

/** Whether a file of that name is a model card, on file systems that tell capitals apart or not. */
export function isCard(name: string): boolean {
  return name.toLowerCase() === CARD.toLowerCase();
}

/** Where the order of removal lies. */
export function orderIn(out: string): string {
  return join(out, 'del_order_list.json');
}

/** What a kept model's folder is good for, in words. */
export function keptWords(out: string, what: string): string[] {
  return [
    `${out}: removed blocks add zero, so any program can run the ${what} model;`,
    `with --mask ${orderIn(out)} they are not computed at all`,
  ];
}
