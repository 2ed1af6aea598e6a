/** What makes a run another run: the header of its journal, and what its document says beyond. */
import type { GradientBackend } from '../backends/gradients.ts';
import { UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { hashTokens } from '../eval/convention.ts';
import type { Transformer } from '../model/transformer.ts';
import type { Hasher } from '../platform/sha256.ts';
import { defaultRepair, type RepairSettings } from '../repair/repair.ts';
import type { PruneKind } from './candidates.ts';
import type { EvalText } from './evaluation.ts';
import { evaluationIdentity, hashInputs } from './hashInputs.ts';
import type { JournalHeader } from './journal.ts';
import type { Method } from './method.ts';
import { blockpruner, type BlockPrunerSettings } from './methods/blockpruner.ts';
import { protectedBlocks, type Protected } from './protect.ts';
import { RACE_RULE, type RaceSettings } from './race/raceRule.ts';
import { DEFAULT_LEADERS, type RepairTime } from './repair/settings.ts';

/** What of a run's options its identity depends on. */
export interface IdentifiedRun {
  readonly model: Transformer;
  readonly chunks: Chunks;
  readonly kind: PruneKind;
  readonly method?: Method;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly race?: RaceSettings;
  readonly protect?: readonly string[];
  readonly evaluation?: EvalText;
  readonly repair?: { readonly when: RepairTime; readonly settings?: RepairSettings; readonly leaders?: number };
  readonly newHasher: () => Hasher;
}

/**
 * All settings of the method, as its `check` takes them.
 * @throws UsageError for repair in the loop of another method.
 */
export function methodSettings({
  method = blockpruner,
  settings,
  race,
  repair,
}: Pick<IdentifiedRun, 'method' | 'settings' | 'race' | 'repair'>): Readonly<Record<string, unknown>> {
  if (settings?.repair !== undefined) {
    throw new UsageError("'repair' is the run's to ask for, not a setting of its method.", { remedy: 'Use --repair.' });
  }
  const raced = race === undefined ? {} : { race };
  if (repair?.when !== 'each') return { ...settings, ...raced };
  if (method !== blockpruner) {
    throw new UsageError(
      `--repair each chooses by prices after repair, and method ${method.name} does not choose by price.`,
      { remedy: 'Use --repair end, or --method blockpruner.' },
    );
  }
  const { leaders = DEFAULT_LEADERS } = repair;
  return { ...settings, ...raced, repair: { ...(repair.settings ?? defaultRepair), leaders } };
}

/**
 * The header of a run's journal.
 * @param settings as the method's `check` gave them.
 * @param gradients null where the method needs none.
 */
export function runHeader(
  options: IdentifiedRun,
  settings: unknown,
  kept: Protected,
  gradients: GradientBackend | null,
): Promise<JournalHeader> {
  const { model, chunks, kind, method = blockpruner } = options;
  const identity = { ...identityOf(method, settings, gradients), ...protectField(kept) };
  return hashInputs(options, { kind, ...evaluationIdentity(model, chunks), ...identity });
}

/**
 * What tells a method's run from another's. BlockPruner's is as it was before there were other
 * methods, so that journals of then go on.
 */
function identityOf(method: Method, settings: unknown, gradients: GradientBackend | null): object {
  if (method === blockpruner) {
    const { race, repair, metric } = settings as BlockPrunerSettings;
    if (metric !== undefined) return { metric };
    if (repair !== undefined) return { search: 'repaired', ...repair };
    return race === undefined ? {} : { search: 'race', rule: RACE_RULE, ...race };
  }
  const { name, version } = method;
  return { method: { name, version, settings, ...(gradients === null ? {} : { gradients: gradients.variant }) } };
}

/** What is protected, where something is; journals and documents of before had none. */
export function protectField(kept: Protected): { protect?: string[] } {
  return kept.size === 0 ? {} : { protect: [...kept] };
}

/**
 * Hex digits that differ where a run would leave another result: of its journal's header, of its
 * repair and of the text that it is measured on. Not of its stop rules, because a search goes on
 * from fewer blocks to more, nor of memory and threads, which change no figure.
 */
export async function runDigest(options: IdentifiedRun): Promise<string> {
  const { model, method = blockpruner, evaluation, repair, newHasher } = options;
  const kept = protectedBlocks(options.protect ?? [], model.config);
  const settings = method.check(methodSettings(options), model.config);
  const header = await runHeader(options, settings, kept, null);
  const measured = evaluation === undefined ? null : hashTokens(evaluation.chunks, newHasher());
  const repaired = repair === undefined ? null : { when: repair.when, ...(repair.settings ?? defaultRepair) };
  const hasher = newHasher();
  hasher.update(new TextEncoder().encode(JSON.stringify([header, measured, repaired])));
  return hasher.digest();
}
