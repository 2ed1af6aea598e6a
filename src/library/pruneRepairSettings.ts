import type { RepairTime } from '../prune/repair/settings.ts';
import type { RepairScope } from '../repair/cuts.ts';

/** What `prune` repairs. `Text` is what the library takes for a text. */
export interface PruneRepairSettings<Text> {
  /**
   * Refit kept output matrices by least squares: of the result (`end`), or also of each step's
   * leaders, among which is chosen by prices after that (`each`, for `blockpruner`).
   */
  repair?: RepairTime;
  /** With `repair: 'each'`: candidates repaired in a step, lowest price first. Default 3. */
  leaders?: number;
  /** Refit every kept block (`all`, default), or the last before each cut (`cuts`). */
  repairScope?: RepairScope;
  /** With `repair`: a text to measure on, dense, pruned and repaired; nothing is fitted on it. */
  eval?: Text;
}
