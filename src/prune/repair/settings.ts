/** What `--repair` may be, and the settings of a search that repairs in the loop. */
import { UsageError } from '../../errors.ts';
import { repairScopes } from '../../repair/cuts.ts';
import { repairForms } from '../../repair/fit.ts';
import { defaultRepair, type RepairSettings } from '../../repair/repair.ts';
import { isRidgeList, RIDGE_WORDS, ridgeFactors } from '../../repair/settings.ts';

export const repairTimes = ['end', 'each'] as const;
/** When a run repairs: its result at the end, or the leaders of each step, by which it chooses. */
export type RepairTime = (typeof repairTimes)[number];

/** How many candidates a step repairs unless another number is given. */
export const DEFAULT_LEADERS = 3;

/** Repair in the loop: BlockPruner's setting `repair`. */
export interface LoopSettings extends RepairSettings {
  /** Candidates whose price after repair is taken in each step: those of the lowest plain price. */
  readonly leaders: number;
}

/** All settings, those left out by their defaults. @throws UsageError for what none can be. */
export function loopSettings(given: Readonly<Record<string, unknown>>): LoopSettings {
  const settings = { ...defaultRepair, leaders: DEFAULT_LEADERS, ...given };
  const known = ['form', 'scope', 'factors', 'leaders'];
  const other = Object.keys(settings).find((name) => !known.includes(name));
  if (other !== undefined) throw wrong(`there is no '${other.slice(0, 40)}': there are ${known.join(', ')}`);
  const { form, scope, factors, leaders } = settings;
  if (!repairForms.includes(form)) throw wrong(`form is one of ${repairForms.join(', ')}`);
  if (!repairScopes.includes(scope)) throw wrong(`scope is one of ${repairScopes.join(', ')}`);
  if (!isRidgeList(factors)) throw wrong(`factors is a list of ${RIDGE_WORDS}`);
  if (!(Number.isSafeInteger(leaders) && leaders >= 1)) throw wrong('leaders is a whole number from 1 on');
  return { form, scope, factors: ridgeFactors(factors), leaders };
}

function wrong(what: string): UsageError {
  return new UsageError(`setting 'repair' of method blockpruner: ${what}.`);
}
