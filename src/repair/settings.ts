/** The settings of a repair, from what a caller gives. */
import { UsageError } from '../errors.ts';
import type { RepairScope } from './cuts.ts';
import type { RepairForm } from './fit.ts';
import { defaultRepair, type RepairSettings } from './repair.ts';

/** From some hundred on, a ridge changes next to nothing. */
export const LARGEST_RIDGE = 1e6;

/** What a caller may leave out. */
export interface RepairRequest {
  readonly form?: RepairForm;
  readonly scope?: RepairScope;
  /** Ridge factors to choose from, in any order. */
  readonly ridge?: readonly number[];
}

/**
 * All settings, those left out by their defaults; of `scale` the scope is `cuts`.
 * @throws UsageError for settings that do not go together.
 */
export function repairSettings({ form = defaultRepair.form, scope, ridge }: RepairRequest): RepairSettings {
  if (form === 'scale' && ridge !== undefined) {
    throw new UsageError('--ridge does not go with --form scale, which fits one number at each cut.');
  }
  if (form === 'scale' && scope === 'all') {
    throw new UsageError('--form scale goes with --scope cuts: there is nothing to scale between two kept blocks.');
  }
  const defaultScope = form === 'scale' ? 'cuts' : defaultRepair.scope;
  const factors = ridge === undefined ? defaultRepair.factors : [...new Set(ridge)].toSorted((a, b) => a - b);
  return { form, scope: scope ?? defaultScope, factors };
}
