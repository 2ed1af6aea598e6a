/**
 * The report in a browser, driven from outside: by keys alone, at three widths, in light and dark,
 * printed, with scripts off, and by axe where it is installed (npm --prefix spec/browser/axe ci).
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { renderReport } from '../../src/prune/report/report.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { drive, type DrivenPage } from './devtools.ts';
import { madeResult } from './madeResult.ts';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const axePath = fileURLToPath(new URL('axe/node_modules/axe-core/axe.min.js', import.meta.url));
const CONTROL = 2;

type Check = (page: DrivenPage) => Promise<void>;

/** Runs all checks in one browser and says what failed. */
export async function checkReports(chromium: string): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'blockpruner-report-'));
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const page = await drive(chromium);
  try {
    const [one, two] = [madeResult('one', 1), madeResult('two', 2)];
    const urls = { report: write(folder, 'report', one), comparison: write(folder, 'comparison', [one, two]) };
    for (const [name, url] of Object.entries(urls)) {
      await run(counts, page, url, `${name}: `, general);
    }
    await run(counts, page, urls.report, 'report: ', reading);
  } finally {
    await page.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return counts;
}

function write(folder: string, name: string, results: PruneResult | PruneResult[]): string {
  const path = join(folder, `${name}.html`);
  writeFileSync(path, renderReport(results));
  return pathToFileURL(path).href;
}

async function run(
  counts: Counts,
  page: DrivenPage,
  url: string,
  of: string,
  checks: Readonly<Record<string, Check>>,
): Promise<void> {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await setting(page, { width: 1280 });
      page.complaints.length = 0;
      await page.open(url);
      await check(page);
      assert.deepEqual(page.complaints, [], 'the console complains');
      counts.passed++;
    } catch (error) {
      if (error === SKIPPED) {
        counts.skipped++;
        console.log(`- ${of}${name}`);
        continue;
      }
      counts.failed++;
      console.log(`✗ ${of}${name}\n${String((error as Error).stack).replaceAll(/^/gm, '    ')}`);
    }
  }
}

const SKIPPED = new Error('skipped');

interface Setting {
  width: number;
  dark?: boolean;
  media?: 'print';
  scripts?: boolean;
}

async function setting(page: DrivenPage, { width, dark = false, media, scripts = true }: Setting): Promise<void> {
  await page.send('Emulation.setDeviceMetricsOverride', {
    width,
    height: 900,
    deviceScaleFactor: 1,
    mobile: false,
  });
  await page.send('Emulation.setEmulatedMedia', {
    media: media ?? '',
    features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }],
  });
  await page.send('Emulation.setScriptExecutionDisabled', { value: !scripts });
}

/** What the page says to whoever is on an element: the words of the reading. */
const readingOf = (page: DrivenPage): Promise<string> =>
  page.evaluate("document.querySelector('.reading').textContent");
const focused = (page: DrivenPage): Promise<string> =>
  page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.id");

async function axe(page: DrivenPage, dark: boolean): Promise<void> {
  if (!existsSync(axePath)) throw SKIPPED;
  await setting(page, { width: 1280, dark });
  await page.evaluate(readFileSync(axePath, 'utf8'));
  const found = await page.evaluate<string[]>(
    "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html, any, all }) => html.slice(0, 200) + ' ' + [...any, ...all].map(({ message }) => message).join('; ')).join(' | ')))",
  );
  assert.deepEqual(found, []);
}

/** For every page. */
const general: Readonly<Record<string, Check>> = {
  'axe finds nothing in light': (page) => axe(page, false),
  'axe finds nothing in dark': (page) => axe(page, true),
  ...Object.fromEntries(
    [360, 768, 1280].map((width): [string, Check] => [
      `nothing is wider than the page at ${width} px`,
      async (page) => {
        await setting(page, { width });
        const wide = await page.evaluate<string[]>(
          "document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.parentElement.closest('.scroll')).map((e) => e.tagName + '.' + e.getAttribute('class') + ' ' + e.textContent.slice(0, 40)).slice(0, 5).concat('page')",
        );
        assert.deepEqual(wide, []);
      },
    ]),
  ),
  'printed, it is black on white, without buttons': async (page) => {
    await setting(page, { width: 800, dark: true, media: 'print' });
    assert.equal(await page.evaluate('getComputedStyle(document.body).backgroundColor'), 'rgb(255, 255, 255)');
    const shown = "[...document.querySelectorAll('button, input')].filter((e) => e.getClientRects().length > 0).length";
    assert.equal(await page.evaluate(shown), 0);
    const { data } = (await page.send('Page.printToPDF')) as { data: string };
    assert.ok(data.length > 10_000);
  },
  'without scripts all is there but the buttons': async (page) => {
    const url = await page.evaluate<string>('location.href');
    await setting(page, { width: 1280, scripts: false });
    await page.open(url);
    await setting(page, { width: 1280 });
    const shown =
      "[...document.querySelectorAll('button, input[type=range], output')].filter((e) => e.getClientRects().length > 0).length";
    assert.equal(await page.evaluate(shown), 0);
    assert.ok((await page.evaluate<number>("document.querySelectorAll('svg').length")) > 2);
    assert.ok(await page.evaluate("document.querySelectorAll('section h2').length > 4"));
  },
};

/** For the report of one run. */
const reading: Readonly<Record<string, Check>> = {
  'keys alone reach a cell, walk from cell to cell, and read each': async (page) => {
    await tabTo(page, 'Step 1, L0.mha');
    const first = await readingOf(page);
    assert.match(first, /^Step 1 · L0\.mha · perplexity [\d.]+, .+ against dense, rank \d+ of 12/);
    await page.press('ArrowDown');
    assert.equal(await focused(page), 'Step 1, L1.mha');
    assert.match(await readingOf(page), /^Step 1 · L1\.mha/);
    // The row of a block that went ends with the step that removed it.
    const { steps } = madeResult('one', 1);
    const end = steps.find(({ removed }) => removed === 'L1.mha')?.step ?? steps.length;
    await page.press('End');
    assert.equal(await focused(page), `Step ${end}, L1.mha`);
    await page.press('ArrowLeft');
    assert.equal(await focused(page), `Step ${end - 1}, L1.mha`);
    await page.press('Home');
    await page.press('ArrowUp');
    assert.equal(await focused(page), 'Step 1, L0.mha');
    await page.press('End', CONTROL);
    assert.equal(await focused(page), 'Step 4, L5.mha');
    await page.press('Home', CONTROL);
    assert.equal(await focused(page), 'Step 1, L0.mha');
    assert.equal(await page.evaluate("document.querySelectorAll('.ring[visibility=visible]').length"), 1);
    await page.press('Escape');
    assert.match(await readingOf(page), /^Point at a cell/);
    // One stop of the Tab key a panel.
    await page.press('Tab');
    assert.equal(await focused(page), 'Step 1, L0.mlp');
  },
  'the removed cell tells its runner-up and margin': async (page) => {
    const words = await page.evaluate<string>(
      "(() => { const cells = [...document.querySelectorAll('.cell')]; cells.forEach((c) => { c.focus(); if (document.querySelector('.reading').textContent.includes('removed')) window.found = document.querySelector('.reading').textContent; }); return window.found; })()",
    );
    assert.match(words, /, rank 1 of \d+, removed; runner-up L\d\.m\w+ \+[\d.]+\s±\s[\d.]+\s%/);
  },
  'the pointer reads a cell, and what is tapped stays': async (page) => {
    await page.evaluate("document.querySelector('svg.heat').scrollIntoView({ block: 'center' })");
    const at = await page.evaluate<{ x: number; y: number }>(
      "(() => { const { x, y } = document.querySelectorAll('.cell')[5].getBoundingClientRect(); return { x: x + 5, y: y + 5 }; })()",
    );
    const mouse = (type: string, x: number, y: number): Promise<unknown> =>
      page.send('Input.dispatchMouseEvent', {
        type,
        x,
        y,
        button: type === 'mouseMoved' ? 'none' : 'left',
        clickCount: 1,
      });
    await mouse('mouseMoved', at.x, at.y);
    const hovered = await readingOf(page);
    assert.match(hovered, /^Step \d/);
    await mouse('mouseMoved', 5, 5);
    assert.match(await readingOf(page), /^Point at a cell/);
    await mouse('mousePressed', at.x, at.y);
    await mouse('mouseReleased', at.x, at.y);
    await mouse('mouseMoved', 5, 5);
    assert.equal(await readingOf(page), hovered);
  },
  'the slider fills the picture by keys': async (page) => {
    await tabTo(page, 'after');
    const gone = "document.querySelectorAll('.for-wide .gone:not(.later)').length";
    assert.equal(await page.evaluate(gone), 4);
    await page.press('Home');
    assert.equal(await page.evaluate(gone), 0);
    assert.match(
      await page.evaluate("document.querySelector('#after-words').textContent"),
      /^The whole model: perplexity/,
    );
    await page.press('ArrowRight');
    await page.press('ArrowRight');
    assert.equal(await page.evaluate(gone), 2);
    const words = await page.evaluate<string>("document.querySelector('#after').getAttribute('aria-valuetext')");
    assert.match(words, /^Step 2 removed L\d\.m\w+: 2 blocks gone, .+ of parameters; perplexity /);
  },
  'the colours change by keys': async (page) => {
    const colour = "getComputedStyle(document.querySelectorAll('.row .cell')[3]).fill";
    const before = await page.evaluate(colour);
    await tabTo(page, 'by-dense');
    await page.press('ArrowRight');
    assert.equal(await focused(page), 'by-step');
    assert.notEqual(await page.evaluate(colour), before);
    assert.equal(await page.evaluate("getComputedStyle(document.querySelector('.legend.by-d')).display"), 'none');
  },
  'copies, or selects, what stands there': async (page) => {
    await page.evaluate("document.querySelector('#mask').closest('.take').querySelector('button').focus()");
    await page.press('Enter');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const told = await page.evaluate<string>('document.activeElement.textContent');
    assert.match(told, /^(Copied|Selected: press Ctrl\+C)$/);
  },
  'saves the document, tables and drawings': async (page) => {
    await page.evaluate(
      "window.saved = []; URL.createObjectURL = (blob) => { window.saved.push(blob); return 'about:blank#'; }; HTMLAnchorElement.prototype.click = function () { window.saved.push(this.download); };",
    );
    const texts = await page.evaluate<[string, string][]>(
      "(async () => { const out = []; for (const button of document.querySelectorAll('button.save')) { button.click(); const [blob, name] = window.saved.splice(0); out.push([name, await blob.text()]); } return out; })()",
    );
    const files = new Map(texts);
    assert.deepEqual(
      [...files.keys()],
      ['result.json', 'steps.csv', 'candidates.csv', 'curve.svg', 'layers.svg', 'candidate-map.svg'],
    );
    assert.deepEqual(JSON.parse(files.get('result.json') ?? ''), JSON.parse(JSON.stringify(madeResult('one', 1))));
    assert.equal(files.get('steps.csv')?.trim().split('\r\n').length, 6);
    for (const name of ['curve.svg', 'layers.svg', 'candidate-map.svg']) {
      const svg = files.get(name) ?? '';
      const problem = await page.evaluate<string | null>(
        `new DOMParser().parseFromString(${JSON.stringify(svg)}, 'image/svg+xml').querySelector('parsererror')?.textContent ?? null`,
      );
      assert.equal(problem, null, name);
      assert.doesNotMatch(svg, /class=|var\(|tabindex/, name);
    }
  },
};

/** Presses Tab until the focus is on what is called so. */
async function tabTo(page: DrivenPage, name: string): Promise<void> {
  for (let tries = 0; tries < 80; tries++) {
    await page.press('Tab');
    if ((await focused(page)) === name) return;
  }
  assert.fail(`Tab does not come to ${name}`);
}
