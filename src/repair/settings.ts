/** The settings of a repair, from what a caller gives. */
import { UsageError } from '../errors.ts';
import type { RepairScope } from './cuts.ts';
import type { RepairForm } from './fit.ts';
import { defaultRepair, type RepairSettings } from './repair.ts';

/** From some hundred on, a ridge changes next to nothing. */
const LARGEST_RIDGE = 1e6;

/** What a list of ridge factors is made of, in words. */
export const RIDGE_WORDS: string = `numbers above 0, up to ${LARGEST_RIDGE}`;

/** Without a ridge, a matrix with more inputs than rows has no fit: 0 is no factor. */
export function isRidgeList(value: unknown): value is readonly number[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every((one) => typeof one === 'number' && one > 0 && one <= LARGEST_RIDGE);
}

/** Ridge factors as a fit takes them: in ascending order, each once. @throws UsageError */
export function ridgeFactors(given: readonly number[]): readonly number[] {
  if (!isRidgeList(given)) throw new UsageError(`ridge factors are ${RIDGE_WORDS}.`, { where: 'repair' });
  return [...new Set(given)].toSorted((a, b) => a - b);
}

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
  return {
    form,
    scope: scope ?? defaultScope,
    factors: ridge === undefined ? defaultRepair.factors : ridgeFactors(ridge),
  };
}
