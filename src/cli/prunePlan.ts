/** `prune --plan`, and how much of a text a search takes where nothing says so. */
import { dataName } from '../eval/dataForm.ts';
import type { Chunks } from '../eval/chunks.ts';
import { JournalMismatchError } from '../errors.ts';
import { planWithSmaller, type ToPlan } from '../prune/cost/planning.ts';
import type { EvalOptions } from './evalOptions.ts';
import { planText } from './planText.ts';
import type { Terminal } from './terminal.ts';

/** The paper's: 256 rows of Alpaca joined, about 16 chunks of 2,048 tokens. */
const DEFAULT_TOKENS = 32_768;

/** Whether the text is cut at the default: a sample says itself how much it takes. */
function takesDefault({ tokens, sample }: Pick<EvalOptions, 'tokens' | 'sample'>): boolean {
  return tokens === undefined && sample === undefined;
}

/** The options with the tokens that a search takes where none are asked for. */
export function withDefaultTokens<T extends EvalOptions>(options: T): T {
  return takesDefault(options) ? { ...options, tokens: DEFAULT_TOKENS } : options;
}

/** A line where the default may leave a part of the text out; null where it does not. */
export function defaultTokensNote(given: EvalOptions, chunks: Chunks): string | null {
  if (!takesDefault(given) || !reaches(chunks, DEFAULT_TOKENS)) return null;
  return (
    `no --tokens: the first ${DEFAULT_TOKENS.toLocaleString('en')} tokens of ${dataName(given.data)} are used, ` +
    'as many as in the paper; --tokens all takes the whole text'
  );
}

/** A warning where there are too few chunks to tell an error; null where there are enough. */
export function fewChunksWarning({ ids }: Pick<Chunks, 'ids'>): string | null {
  if (ids.length >= CHUNKS_FOR_ERROR) return null;
  const few = ids.length === 1 ? 'one chunk' : `${ids.length} chunks`;
  return `${few} only, so no error can be stated and the choice is unreliable; give more text or a lower --chunk`;
}

/** Paired errors need so many (`pairedDifference`). */
const CHUNKS_FOR_ERROR = 3;

/** Whether chunks and what was dropped after them are so many tokens. */
function reaches({ ids, chunk, stride, droppedTokens }: Chunks, tokens: number): boolean {
  return (ids.length - 1) * stride + chunk + droppedTokens >= tokens;
}

/**
 * A run that took the whole text before there was a default does not go on with a part of it: the
 * error says how it does.
 */
export function explainTokens(error: unknown, given: EvalOptions, chunks: Chunks): unknown {
  const cut = defaultTokensNote(given, chunks) !== null;
  if (!cut || !(error instanceof JournalMismatchError) || !error.message.includes('other tokens')) return error;
  return new JournalMismatchError(
    `belongs to a run with other tokens; this one takes the first ${DEFAULT_TOKENS.toLocaleString('en')}, as no --tokens is given.`,
    {
      where: error.where,
      remedy: 'If that run took the whole text, add --tokens all; else use another --out, and that run is kept.',
      cause: error,
    },
  );
}

/** Measures and prints the plan. */
export async function showPlan(toPlan: ToPlan, given: EvalOptions, terminal: Terminal): Promise<void> {
  const { chunks, model } = toPlan;
  const { plan, smaller } = await planWithSmaller(toPlan);
  const name = dataName(given.data);
  if (terminal.json) {
    const { name: modelName } = model.source;
    const { description: backend } = model.backend;
    terminal.document({ schema: PLAN_SCHEMA, model: modelName, data: name, backend, ...plan, smaller });
    return;
  }
  const { tokens = DEFAULT_TOKENS, sample } = given;
  const cut = sample === undefined && tokens !== 'all' && reaches(chunks, tokens);
  terminal.result(planText(plan, smaller, cut ? `the first tokens of ${name}` : name));
}

const PLAN_SCHEMA = 'blockpruner-plan/1';
