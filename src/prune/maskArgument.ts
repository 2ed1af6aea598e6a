import { DataError } from '../errors.ts';
import type { Layered } from '../model/config.ts';
import { Mask } from '../model/mask.ts';
import { readOfficialOrder } from './officialOrder.ts';

/**
 * Reads what `--mask` takes: a list `L5.mlp,L4.mha`, or `FILE.json` / `FILE.json@STEP`, an official
 * del_order_list (its last step, or the one named).
 * @throws MaskError, FormatError or DataError naming what is wrong.
 */
export async function readMaskArgument(
  argument: string,
  model: Layered,
  readText: (path: string) => Promise<string>,
): Promise<Mask> {
  const file = /^(.+\.json)(?:@(\d+))?$/.exec(argument);
  if (file === null) return Mask.parse(argument, model);
  const steps = readOfficialOrder(await readText(file[1]), file[1], model);
  const count = file[2] === undefined ? steps.length : Number(file[2]);
  if (count > steps.length) {
    throw new DataError(`has ${steps.length} steps, ${count} were asked for.`, { where: file[1] });
  }
  return Mask.of(steps.slice(0, count).flat());
}
