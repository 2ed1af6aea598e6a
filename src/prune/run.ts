/** A whole pruning run: search, sample text, result document. Files and terminals are the caller's. */
import { NonFiniteError } from '../errors.ts';
import type { Hasher } from '../platform/sha256.ts';
import type { JournalSink } from '../platform/journalSink.ts';
import type { Chunks } from '../eval/chunks.ts';
import { conventionOf, summarise } from '../eval/convention.ts';
import { figures, finiteOrNull, finitePpl } from '../eval/figures.ts';
import type { Perplexity } from '../eval/perplexity.ts';
import { formatBlock } from '../model/blockId.ts';
import { countParameters } from '../model/parameters.ts';
import type { Transformer } from '../model/transformer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { addWork } from './blockPasses.ts';
import { candidatesLeft, checkStopRules, type PruneKind, type StopRules } from './candidates.ts';
import type { BlockPasses, ScoredCandidate, SearchEvent, StepEvent, StoppedBy } from './events.ts';
import { Journal, type JournalHeader } from './journal.ts';
import { nearTie } from './nearTie.ts';
import { planGroup } from './pricing/plan.ts';
import { checkRace, RACE_RULE, type RaceSettings } from './race/raceRule.ts';
import { PRUNE_SCHEMA, type CandidateScore, type PruneResult, type StepResult } from './result.ts';
import { samplePrompt, sampleText } from './sample.ts';
import { search } from './search.ts';
import { Mask } from '../model/mask.ts';
import { walkOf } from '../model/walk.ts';

const UNCHECKED =
  'was begun by version 0.1, whose lines carry no checksums: damage to them may go unnoticed. Another --out searches anew.';

export interface RunOptions {
  model: Transformer;
  tokenizer: Tokenizer | null;
  /** Tokens that end the sample's text; default: the config's. */
  endTokenIds?: readonly number[];
  chunks: Chunks;
  dataName: string;
  kind: PruneKind;
  stop: StopRules;
  /** Race instead of measuring every candidate on all chunks. */
  race?: RaceSettings;
  /** Budget for residual streams; decides how many chunks go together, never what comes out. */
  activationBytes: number;
  /** Budget for streams kept from step to step; default 0. Changes the time a search takes, never what comes out. */
  checkpointBytes?: number;
  /** Program version, for the document. */
  version: string;
  newHasher: () => Hasher;
  sink: JournalSink;
}

/**
 * Runs or resumes a search; yields its events and returns the document.
 * @throws UsageError for stop rules that do not fit the model, JournalMismatchError for a journal
 * of another run, MemoryBudgetError when the budget does not hold one chunk's streams,
 * FileChangedError when the model's files were changed meanwhile.
 */
export async function* run(options: RunOptions): AsyncGenerator<SearchEvent, PruneResult> {
  const { model, chunks, kind, stop, checkpointBytes, race } = options;
  const { config } = model;
  checkStopRules(stop, kind, config.numHiddenLayers);
  if (race !== undefined) checkRace(race);
  const counts = countParameters(model.source);
  const candidates = candidatesLeft(kind, config.numHiddenLayers, Mask.empty).length;
  const groupSize = planGroup(config, chunks.chunk, candidates, options.activationBytes);
  const hashes = await hashInputs(options);
  const journal = await Journal.open(options.sink, hashes, options.newHasher);
  if (!journal.checked) yield { type: 'warning', message: `${options.sink.name}: ${UNCHECKED}` };

  let dense: Perplexity | null = null;
  const steps: StepResult[] = [];
  let work: BlockPasses = { done: 0, exact: 0, naive: 0 };
  let end: { mask: Mask; stoppedBy: StoppedBy } | null = null;
  const settings = { kind, stop, groupSize, checkpointBytes, race };
  for await (const event of search(model, chunks, counts, settings, journal)) {
    if (event.type === 'dense') dense = event.perplexity;
    if (event.type === 'step') steps.push(stepResult(event, model.backend.perplexityNoise));
    if (event.type === 'measured') work = addWork(work, event.work);
    if (event.type === 'done') end = event;
    yield event;
  }
  if (dense === null || end === null) throw new Error('the search ended without an end');
  const sample = await sampleOnce(options, journal, end.mask);
  // The result names the model by its hash: it is given only while the files are those that were
  // hashed.
  await model.source.assertUnchanged();
  return {
    schema: PRUNE_SCHEMA,
    version: options.version,
    model: {
      name: model.source.name,
      family: config.family,
      numHiddenLayers: config.numHiddenLayers,
      blocks: walkOf(config).length,
      parameters: counts.total,
      blockParameters: counts.blocks,
      contentHash: hashes.weights,
    },
    data: summarise(options.dataName, chunks, dense.scoredTokens, hashes.tokens),
    convention: conventionOf(chunks, model.nllSum),
    backend: model.backend.description,
    kind,
    ...(race === undefined ? {} : { race }),
    stop,
    stoppedBy: end.stoppedBy,
    dense: figures(dense),
    work,
    steps,
    removed: end.mask.blocks.map(formatBlock),
    sample,
    seconds: journal.seconds(),
  };
}

async function sampleOnce(options: RunOptions, journal: Journal, mask: Mask): Promise<PruneResult['sample']> {
  const { model, tokenizer, chunks } = options;
  if (tokenizer === null) return null;
  const prompt = samplePrompt(tokenizer, chunks.ids[0]);
  let sample = journal.sample(mask.toString(), tokenizer.decode(prompt));
  if (sample === null) {
    try {
      sample = await sampleText(model, tokenizer, prompt, mask, options.endTokenIds ?? model.config.eosTokenIds);
    } catch (error) {
      // The search is done: its result is not lost for a text that cannot be drawn.
      if (error instanceof NonFiniteError) return null;
      throw error;
    }
    await journal.addSample(sample);
  }
  return { prompt: sample.prompt, before: sample.before, after: sample.after };
}

/** Hashes of everything a score depends on. */
async function hashInputs(options: RunOptions): Promise<JournalHeader> {
  const { model, chunks, newHasher } = options;
  const hashText = (text: string): string => {
    const hasher = newHasher();
    hasher.update(new TextEncoder().encode(text));
    return hasher.digest();
  };
  const tokens = newHasher();
  for (const ids of chunks.ids) tokens.update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
  const { chunk, stride, ignoredId } = chunks;
  const settings = { kind: options.kind, chunk, stride, bos: chunks.bos, ignoredId, nllSum: model.nllSum };
  // What decides who is dropped. An exact search's hash is that of the settings alone.
  const race = options.race === undefined ? {} : { search: 'race', rule: RACE_RULE, ...options.race };
  return {
    weights: await model.source.contentHash(newHasher()),
    config: hashText(JSON.stringify(model.config)),
    tokens: tokens.digest(),
    settings: hashText(JSON.stringify({ ...settings, ...race })),
    backend: model.backend.variant,
  };
}

function stepResult(event: StepEvent, noise: number): StepResult {
  const { removed } = event;
  return {
    step: event.step,
    removed: removed?.name ?? null,
    ...finitePpl(removed?.perplexity.ppl ?? bestOfNone(event.candidates)),
    standardError: finiteOrNull(removed?.perplexity.standardError ?? null),
    bitsPerByte: finiteOrNull(removed?.perplexity.bitsPerByte ?? null),
    ratio: event.ratios.total,
    ratios: event.ratios,
    nearTie: nearTie(noise, removed, event.runnerUp),
    candidates: event.candidates.map(candidateScore),
    work: event.work,
    ...(event.race === undefined ? {} : { race: event.race }),
  };
}

/** What the best of candidates is of which none is finite: infinite, unless all are NaN. */
function bestOfNone(candidates: readonly ScoredCandidate[]): number {
  return candidates.every(({ perplexity }) => Number.isNaN(perplexity.ppl)) ? NaN : Infinity;
}

function candidateScore({ name, perplexity, dropped }: ScoredCandidate): CandidateScore {
  const { ppl } = perplexity;
  if (dropped === undefined) return { block: name, ...finitePpl(ppl) };
  const { chunks, againstPick } = dropped;
  const seen = { chunks, ppl: finiteOrNull(ppl), againstPick: finiteOrNull(againstPick) };
  // What is not finite on some chunks is not finite on all.
  return { block: name, ppl: null, status: finitePpl(ppl).status ?? 'dropped', seen };
}
