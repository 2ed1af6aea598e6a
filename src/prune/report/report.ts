import type { PruneResult } from '../result.ts';
import { conventionsSection } from './conventions.ts';
import { curveSection, heatSection, layerSection } from './figureSections.ts';
import { guideSection } from './guide.ts';
import { cellRule } from './heatMap.ts';
import { headline, renderKeyFigures } from './headline.ts';
import { element, embedded, verbatim, type Child, type Markup } from '../../drawing/html.ts';
import { nextSection } from './nextSection.ts';
import { PAGE_SCRIPT, PAGE_SCRIPT_HASH } from './pageScript.generated.ts';
import { provenanceSection } from './provenanceSection.ts';
import { raceSection } from './raceSection.ts';
import { repairSection } from './repairSection.ts';
import { saves } from './saves.ts';
import { sampleSection } from './sampleSection.ts';
import { scoreSection } from './scoreSection.ts';
import { stepsSection } from './stepsTable.ts';
import { STYLE } from './style.ts';

/**
 * Makes the browser itself refuse whatever a report must not have: requests, forms, and any script
 * but its own.
 */
const POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  `script-src 'sha256-${PAGE_SCRIPT_HASH}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/**
 * A pruning run as one self-contained HTML page: no request, the same bytes for the same document.
 * All of it can be read without its script, which adds ways to read and to save.
 * @param result the document of `prune --json`; its names and texts are taken as untrusted and
 * escaped
 * @throws MaskError when a step or a candidate names a block that the model does not have
 */
export function renderReport(result: PruneResult): string {
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('meta', { name: 'color-scheme', content: 'light dark' }),
    element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    element('title', {}, `${result.model.name}: ${headline(result)}`),
    element('style', {}, verbatim(`${STYLE}${cellRule(result)}\n`)),
  );
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
  const body = element(
    'body',
    {},
    element('main', {}, masthead(result), parts),
    embedded('result', result),
    element('script', {}, verbatim(PAGE_SCRIPT)),
  );
  return `<!doctype html>\n${element('html', { lang: 'en' }, head, body).markup}\n`;
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
