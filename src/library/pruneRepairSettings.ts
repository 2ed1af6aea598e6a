import type { RepairTime } from '../prune/repair/settings.ts';
import type { RepairScope } from '../repair/cuts.ts';

/** What `prune` repairs. */
export interface PruneRepairSettings {
  /**
   * Refit kept output matrices by least squares: of the result (`end`), or also of each step's
   * leaders, among which is chosen by prices after that (`each`, for `blockpruner`).
   */
  repair?: RepairTime;
  /** With `repair: 'each'`: candidates repaired in a step, lowest price first. Default 3. */
  leaders?: number;
  /** Refit every kept block (`all`, default), or the last before each cut (`cuts`). */
  repairScope?: RepairScope;
}
