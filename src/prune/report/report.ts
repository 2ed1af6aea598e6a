import { documentName } from '../documentName.ts';
import type { PruneResult } from '../result.ts';
import { renderComparison } from './comparison.ts';
import { namedRuns } from './comparedRuns.ts';
import { pageOf } from './frame.ts';
import { conventionsSection } from './conventions.ts';
import { curveSection, heatSection, layerSection } from './figureSections.ts';
import { guideSection } from './guide.ts';
import { cellRule } from './heatMap.ts';
import { headline, renderKeyFigures } from './headline.ts';
import { element, type Child, type Markup } from '../../drawing/html.ts';
import { nextSection } from './nextSection.ts';
import { provenanceSection } from './provenanceSection.ts';
import { raceSection } from './raceSection.ts';
import { repairSection } from './repairSection.ts';
import { saves } from './saves.ts';
import { sampleSection } from './sampleSection.ts';
import { scoreSection } from './scoreSection.ts';
import { stepsSection } from './stepsTable.ts';

/** Older documents name the model with the folders that it lay in. */
function withoutFolders(result: PruneResult): PruneResult {
  return { ...result, model: { ...result.model, name: documentName(result.model.name) } };
}

/**
 * A pruning run as one self-contained HTML page, or several side by side: no request, the same
 * bytes for the same documents. All of it can be read without its script, which adds ways to read
 * and to save.
 * @param results the document of `prune --json`, or several; their names and texts are taken as
 * untrusted and escaped. A list of one is that one's own report.
 * @param names what several are called; default: what tells them apart.
 * @throws MaskError when a step or a candidate names a block that the model does not have;
 * RangeError without a document.
 */
export function renderReport(results: PruneResult | readonly PruneResult[], names?: readonly string[]): string {
  const given = Array.isArray(results) ? (results as readonly PruneResult[]) : [results as PruneResult];
  const all = given.map(withoutFolders);
  if (all.length === 0) throw new RangeError('there is no result to draw.');
  return all.length === 1 ? renderRun(all[0]) : renderComparison(namedRuns(all, names));
}

function renderRun(result: PruneResult): string {
  const parts = [
    renderKeyFigures(result),
    curveSection(result),
    layerSection(result),
    scoreSection(result),
    heatSection(result),
    stepsSection(result),
    repairSection(result),
    raceSection(result),
    sampleSection(result),
    nextSection(result),
    conventionsSection(result),
    provenanceSection(result),
    guideSection(result),
  ];
  return pageOf({
    title: `${result.model.name}: ${headline(result)}`,
    rules: cellRule(result),
    body: [masthead(result), parts],
    data: result,
  });
}

function masthead(result: PruneResult): Markup {
  return element(
    'header',
    {},
    element('p', { class: 'kicker' }, 'Block pruning report · ', element('bdi', {}, result.model.name)),
    element('h1', {}, phrases(headline(result))),
    element('p', { class: 'lead' }, 'New to this? ', element('a', { href: '#guide' }, 'How to read this report'), '.'),
    saves(
      ['save-json', 'The result as JSON'],
      ['save-steps', 'Steps as CSV'],
      ['save-candidates', 'Candidates as CSV'],
    ),
  );
}

/** Lets a long headline break at its colon first. */
function phrases(sentence: string): Child[] {
  const [what, result] = sentence.split(': ');
  return [element('span', {}, `${what}:`), ' ', element('span', {}, result)];
}
