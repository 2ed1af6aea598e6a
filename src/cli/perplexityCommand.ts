import { dataName } from '../eval/dataForm.ts';
import { conventionOf, hashTokens, scoredWords, summarise } from '../eval/convention.ts';
import { figures } from '../eval/figures.ts';
import { firstNonFinite } from '../eval/nonFinite.ts';
import { perplexity } from '../eval/perplexity.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { planGroup } from '../prune/pricing/plan.ts';
import { turn } from '../model/eventLoop.ts';
import { backendWords } from './backendWords.ts';
import { perplexityCsv } from './csv.ts';
import { loadChunks, type EvalOptions } from './evalOptions.ts';
import { figure, lossWords } from './figures.ts';
import { openPruned, type ModelOptions } from './openRun.ts';
import { prunedWords, repairField, type PrunedOptions } from './runEdits.ts';
import { Terminal } from './terminal.ts';

export interface PerplexityOptions extends ModelOptions, EvalOptions, PrunedOptions {
  json: boolean;
  csv?: boolean;
  quiet: boolean;
}

/** `blockpruner perplexity MODEL`: the perplexity of a model, whole or with blocks switched off. */
export async function perplexityCommand(argument: string, options: PerplexityOptions): Promise<void> {
  const terminal = new Terminal(options);
  const started = performance.now();
  const { opened, model, mask, repair, activationBytes, close } = await openPruned(argument, options, terminal);
  try {
    const chunks = await loadChunks(options, opened, terminal);
    const group = Math.min(16, planGroup(model, chunks.chunk, 1, activationBytes));
    let nonFinite: string | null = null;
    const found = await perplexity(model, chunks, mask, group, async (scores) => {
      // Without some blocks a loss may be NaN; then it is a result, and where it began goes with
      // it.
      nonFinite ??= (await firstNonFinite(model, chunks, mask, scores))?.message ?? null;
      terminal.note(`${scores.length} of ${chunks.ids.length} chunks`);
      return turn();
    });
    await opened.weights.assertUnchanged();
    if (nonFinite !== null) terminal.warn(nonFinite);
    const seconds = (performance.now() - started) / 1000;
    const data = summarise(dataName(options.data), chunks, found.scoredTokens, hashTokens(chunks, nodeHasher()));
    const convention = conventionOf(chunks, model.nllSum);
    if (options.csv === true) {
      const row = { model: model.source.name, data: data.name, mask: mask.toString(), ...figures(found) };
      terminal.csv(perplexityCsv({ ...row, tokens: found.scoredTokens, convention: convention.text }));
    }
    if (options.json) {
      terminal.document({
        schema: 'blockpruner.perplexity/1',
        model: model.source.name,
        mask: mask.toString(),
        ...repairField(repair),
        ...figures(found),
        ...(nonFinite === null ? {} : { nonFinite }),
        tokens: found.scoredTokens,
        data,
        convention,
        backend: model.backend.description,
        seconds,
      });
    }
    const error = found.standardError === null ? '' : ` ± ${figure(found.ppl * found.standardError)}`;
    terminal.result(`perplexity ${figure(found.ppl)}${error} (${lossWords(found)})`);
    if (mask.size > 0) terminal.result(prunedWords(mask, repair));
    terminal.result(`${scoredWords(data)}; ${convention.text}`);
    terminal.result(`backend: ${backendWords(model.backend.description, options.lanes)}, ${seconds.toFixed(1)} s`);
  } finally {
    await close();
  }
}
