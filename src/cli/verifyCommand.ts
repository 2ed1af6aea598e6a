import type { Command } from 'commander';
import { SIMD_NOISE } from '../backends/simd/simdBackend.ts';
import { FormatError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { conventionOf, hashTokens, type Convention } from '../eval/convention.ts';
import { finitePpl } from '../eval/figures.ts';
import { perplexity } from '../eval/perplexity.ts';
import type { OpenedModel } from '../formats/openModel.ts';
import { turn } from '../model/eventLoop.ts';
import { folderFiles } from '../platform/nodeFiles.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { planGroup } from '../prune/pricing/plan.ts';
import { repairWords } from '../repair/readDocument.ts';
import { tensorStore } from '../repair/store.ts';
import { loadChunks } from './evalOptions.ts';
import { figure } from './figures.ts';
import { openChecked, openPruned } from './openRun.ts';
import { runEdits, type RunEdits } from './runEdits.ts';
import { Terminal } from './terminal.ts';
import { Checks } from './verify/checks.ts';
import { checkJournal, readJournal, type ReadJournal } from './verify/journalCheck.ts';
import { runSettings, type GivenOptions, type RunSettings } from './verify/keptOptions.ts';
import { readRecorded, type Recorded, type RecordedPpl } from './verify/recorded.ts';

export interface VerifyOptions extends GivenOptions {
  json: boolean;
  quiet: boolean;
}

/**
 * `blockpruner verify RUN`: whether a run's files are what they were, and whether the model that it
 * came to measures today as it did then.
 * @throws FormatError where a check fails, after all of them were said.
 */
export async function verifyCommand(run: string, options: VerifyOptions, command: Command): Promise<void> {
  const terminal = new Terminal(options);
  const recorded = await readRecorded(run);
  const settings = await runSettings(run, recorded, command);
  const checks = new Checks(terminal);
  const { journal, measurable } = await checkFiles(run, recorded, settings, checks, terminal);
  const measured = measurable ? await measureEnd(run, recorded, settings, terminal) : null;
  if (measured === null) checks.add('end', null, "not measured: what it would be measured with is not the run's");
  else sameEnd(recorded, journal, measured, checks);
  const { failed } = checks;
  if (options.json) {
    terminal.document({
      schema: 'blockpruner.verify/1',
      run,
      document: recorded.where,
      ok: failed.length === 0,
      checks: checks.all,
      recorded: recorded.end,
      measured: measured === null ? null : measured.end,
      backend: measured?.backend ?? null,
    });
  }
  if (failed.length === 0) return;
  const names = failed.map(({ name }) => name).join(', ');
  throw new FormatError(`${failed.length} of ${checks.all.length} checks failed: ${names}.`, { where: run });
}

/**
 * Everything but the figures.
 * @returns the run's journal, if it has one, and whether the end can be measured as it was.
 */
async function checkFiles(
  run: string,
  recorded: Recorded,
  { model, options }: RunSettings,
  checks: Checks,
  terminal: Terminal,
): Promise<{ journal: ReadJournal | null; measurable: boolean }> {
  const opened = await openChecked(model, options, terminal);
  try {
    const { weights } = opened;
    const isModel = sameHash(checks, 'model', recorded.model.contentHash, await weights.contentHash(nodeHasher()), {
      what: `the weights of ${weights.name}`,
      remedy: 'Give the model by --model.',
    });
    const chunks = await loadChunks(options, opened, terminal);
    const isText = sameHash(checks, 'text', recorded.data.hash, hashTokens(chunks, nodeHasher()), {
      what: `${chunks.ids.length} chunks of ${chunks.chunk} tokens`,
      remedy: 'Give the text by --data, and --tokens and --field as the run had them.',
    });
    const isTaken = sameConvention(checks, recorded.convention, conventionOf(chunks, options.nllSum));
    let journal: ReadJournal | null = null;
    await checks.try('journal', async () => {
      journal = await readJournal(run);
      return journal === null ? 'there is none to check' : checkJournal(journal, recorded);
    });
    const isPruned = isModel && (await checkEdits(run, recorded, opened, checks, terminal));
    if (!isModel) checks.add('removed blocks', null, 'not checked: this is another model');
    return { journal, measurable: isText && isTaken && isPruned };
  } finally {
    await opened.close();
  }
}

/** The removed blocks, and the repair where there is one. @returns whether both are the run's. */
async function checkEdits(
  run: string,
  recorded: Recorded,
  { weights }: OpenedModel,
  checks: Checks,
  terminal: Terminal,
): Promise<boolean> {
  let edits: RunEdits | null = null;
  const isRemoved = await checks.try('removed blocks', async () => {
    edits = await runEdits(run, undefined, weights, (text) => terminal.warn(text));
    return sameRemoved(recorded, edits);
  });
  return isRemoved && (!recorded.repaired || (await checkTensors(run, edits, checks)));
}

function sameHash(
  checks: Checks,
  name: string,
  expected: string,
  found: string,
  { what, remedy }: { what: string; remedy: string },
): boolean {
  if (expected === found) return checks.add(name, true, `${what} have the hash of the run, ${short(found)}`);
  return checks.add(name, false, `${what} hash to ${short(found)}, and the run had ${short(expected)}. ${remedy}`);
}

/** A hash, as far as one compares it by eye. */
function short(hash: string): string {
  return `${hash.slice(0, 12)}…`;
}

/** What a figure depends on; the sentence may be worded otherwise in another version. */
const conventionFields = ['chunk', 'stride', 'bos', 'join', 'newlines', 'ignoredId', 'nllSum'] as const;

function sameConvention(checks: Checks, { name = 'paper', ...then }: Convention, now: Convention): boolean {
  const other = [
    ...(name === now.name ? [] : ['name']),
    ...conventionFields.filter((field) => then[field] !== now[field]),
    ...(JSON.stringify(then.sample) === JSON.stringify(now.sample) ? [] : ['sample']),
  ];
  if (other.length === 0) return checks.add('convention', true, now.text.replace(/^convention /, ''));
  return checks.add('convention', false, `is not the run's: other ${other.join(', ')}`);
}

/** @throws FormatError where the list in BlockPruner's format is another than the document's. */
function sameRemoved({ removed, where }: Recorded, { mask }: RunEdits): string {
  const sorted = (names: readonly string[]): string => [...names].toSorted().join();
  const listed = mask.toString();
  if (sorted(listed.split(',').filter(Boolean)) !== sorted(removed)) {
    throw new FormatError(`is not what del_order_list.json lists (${listed}).`, { where });
  }
  return `${removed.length} in ${where} and in del_order_list.json`;
}

function checkTensors(run: string, edits: RunEdits | null, checks: Checks): Promise<boolean> {
  return checks.try('repair', async () => {
    const repair = edits?.repair ?? null;
    if (repair === null) throw new FormatError('the folder does not hold the repair of these blocks.');
    const store = tensorStore(folderFiles(run), nodeHasher);
    for (const tensor of repair.tensors) {
      await store.read(tensor);
      await turn();
    }
    return `${repairWords(repair)}; all have their hashes`;
  });
}

interface Measured {
  readonly end: RecordedPpl;
  /** What ran, and what its bits depend on. */
  readonly backend: string;
  readonly variant: string;
  /** Relative, of a perplexity. */
  readonly noise: number;
}

/** The perplexity of the run's model, as `perplexity --run` takes it. */
async function measureEnd(
  run: string,
  { repaired }: Recorded,
  { model: argument, options }: RunSettings,
  terminal: Terminal,
): Promise<Measured> {
  const { backend, gpuMode, lanes, threads, memory, offline, revision, hub, nllSum } = options;
  const machine = { backend, gpuMode, lanes, threads, memory, offline, revision, hub, nllSum };
  const measuring = { ...machine, data: options.data, chunk: options.chunk, convention: options.convention, run };
  const opened = await openPruned(argument, measuring, terminal);
  try {
    const { model, mask } = opened;
    const chunks: Chunks = await loadChunks(options, opened.opened);
    const group = Math.min(16, planGroup(model, chunks.chunk, 1, opened.activationBytes));
    const what = repaired
      ? 'the repaired model'
      : mask.size === 0
        ? 'the model'
        : `the model without ${mask.toString()}`;
    terminal.note(`measuring ${what}`);
    const found = await perplexity(model, chunks, mask, group, (scores) => {
      terminal.note(`${scores.length} of ${chunks.ids.length} chunks`);
      return turn();
    });
    await opened.opened.weights.assertUnchanged();
    const { description, variant, perplexityNoise } = model.backend;
    return { end: finitePpl(found.ppl), backend: description, variant, noise: perplexityNoise };
  } finally {
    await opened.close();
  }
}

/** The largest `perplexityNoise` of any backend, the GPU's. */
const MOST_NOISE = 1e-5;

function sameEnd(recorded: Recorded, journal: ReadJournal | null, measured: Measured, checks: Checks): void {
  const then = recorded.end;
  const now = measured.end;
  const isSameBackend =
    journal === null ? kind(recorded.backend) === kind(measured.backend) : journal.header.backend === measured.variant;
  const words = `perplexity ${figure(now.ppl, now.status)}`;
  if (then.ppl === now.ppl && then.status === now.status) {
    checks.add('end', true, `${words}, to the last bit as in the run (${measured.backend})`);
    return;
  }
  const noise = measured.noise + (recorded.backend.startsWith('simd') ? SIMD_NOISE : MOST_NOISE);
  const apart = then.ppl === null || now.ppl === null ? Infinity : Math.abs(now.ppl / then.ppl - 1);
  const difference = `${words}, and ${figure(then.ppl, then.status)} in the run: ${apart.toExponential(1)} apart`;
  if (isSameBackend) checks.add('end', false, `${difference}, on the same backend (${measured.backend})`);
  else {
    const backends = `on another backend (${measured.backend}, then ${recorded.backend})`;
    checks.add('end', apart <= noise, `${difference} ${backends}, where ${noise.toExponential(1)} is noise`);
  }
}

/** A backend without lanes and threads, which change no bit. */
function kind(description: string): string {
  return description.split(/[,)]/)[0];
}
