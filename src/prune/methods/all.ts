/** The methods of the house. Command line, documentation and specs go by this list. */
import { UsageError } from '../../errors.ts';
import type { Method } from '../method.ts';
import { blockInfluence } from './blockInfluence.ts';
import { blockpruner } from './blockpruner.ts';
import { magnitude } from './magnitude.ts';
import { oneShot } from './oneShot.ts';
import { random } from './random.ts';
import { reverse } from './reverse.ts';
import { taylor } from './taylor.ts';

export const methods: readonly Method[] = [blockpruner, blockInfluence, magnitude, taylor, oneShot, random, reverse];

/** @throws UsageError for a name that no method has. */
export function requireMethod(name: string): Method {
  const found = methods.find((method) => method.name === name);
  if (found !== undefined) return found;
  throw new UsageError(`there is no method '${name.slice(0, 40)}'.`, {
    remedy: `Give ${methods.map((method) => method.name).join(', ')}, or a path to a module that begins with ./`,
  });
}
