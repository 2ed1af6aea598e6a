/**
 * The official implementation's result file, `…_del_order_list.json`: an object from the step's
 * number ("1", "2", …) to the whole set removed by then, as ["mha" | "mlp", layer] pairs sorted by
 * layer. The order of removal is not stored; it is what an entry has and the one before has not. A
 * step in which nothing won repeats its predecessor.
 */
import { FormatError } from '../errors.ts';
import { formatBlock, hasBlock, walkIndex, type BlockId, type BlockKind } from '../model/blockId.ts';
import type { Layered } from '../model/config.ts';
import { Mask } from '../model/mask.ts';

/**
 * The file's content for the removals of each step, in order ([] for a step in which nothing went).
 */
export function writeOfficialOrder(steps: readonly (readonly BlockId[])[]): string {
  const entries: Record<string, [BlockKind, number][]> = {};
  let removed: BlockId[] = [];
  for (const [index, blocks] of steps.entries()) {
    removed = [...removed, ...blocks].toSorted((a, b) => walkIndex(a) - walkIndex(b));
    entries[String(index + 1)] = removed.map(({ kind, layer }) => [kind, layer]);
  }
  return `${JSON.stringify(entries)}\n`;
}

/**
 * Reads such a file back into the removals of each step; [] for a step in which nothing went.
 * @throws FormatError when it is no such file, a set is not contained in the next or names a block
 * twice, or a layer does not exist.
 */
export function readOfficialOrder(text: string, where: string, model: Layered): BlockId[][] {
  const entries = parse(text, where);
  const steps: BlockId[][] = [];
  let before = Mask.empty;
  for (let step = 1; step <= Object.keys(entries).length; step++) {
    const place = `${where} step ${step}`;
    const blocks = parseSet(entries[String(step)], place, model);
    const names = blocks.map(formatBlock);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new FormatError(`${twice} is named twice.`, { where: place });
    const mask = Mask.of(blocks);
    const lost = before.blocks.find((block) => !mask.has(block));
    if (lost !== undefined)
      throw new FormatError(`${formatBlock(lost)} was removed before and is back.`, { where: place });
    const earlier = before;
    steps.push(blocks.filter((block) => !earlier.has(block)));
    before = mask;
  }
  return steps;
}

function parse(text: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError('is not valid JSON.', { where, cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FormatError('is not a del_order_list: expected an object from step numbers to sets.', { where });
  }
  return value as Record<string, unknown>;
}

function parseSet(entry: unknown, where: string, model: Layered): BlockId[] {
  if (!Array.isArray(entry)) throw new FormatError('is missing or not a list.', { where });
  return entry.map((pair: unknown, index): BlockId => {
    const [kind, layer, ...rest] = Array.isArray(pair) ? (pair as unknown[]) : [];
    if ((kind !== 'mha' && kind !== 'mlp') || !Number.isInteger(layer) || rest.length > 0) {
      throw new FormatError(`entry ${index + 1} is not a pair of "mha" or "mlp" and a layer.`, { where });
    }
    const block: BlockId = { kind, layer: Number(layer) };
    if (block.layer < 0 || !hasBlock(model, block)) {
      throw new FormatError(
        `${formatBlock(block)} is not a block of the model, which has ${model.layers.length} layers.`,
        { where },
      );
    }
    return block;
  });
}
