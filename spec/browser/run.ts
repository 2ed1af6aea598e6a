/**
 * npm run test:browser: the contract suite and the engine in headless Chromium.
 *
 *   node spec/browser/run.ts [--require] [SUITE …]
 *
 * Without Chromium on this machine it says so and ends well, or with `--require` badly.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle, webEntries } from '../../src/web/bundle/build.ts';
import { hasShared, sharedPath } from '../shared.ts';
import { findChromium, openPage } from './chromium.ts';
import { checkReports, type Counts } from './reportPage.ts';
import type { Report } from './runSuite.ts';
import { startServer } from './server.ts';

/** Suites and whether their page is cross-origin isolated. */
const suites: Readonly<Record<string, boolean>> = {
  simd: true,
  simdAlone: false,
  engine: true,
  webgl2: true,
  webgpu: true,
};

/** The report's pages, which are driven from outside. */
const REPORT = 'report';

/** Without a word from the page for so long, it hangs. */
const SILENCE_MS = 180_000;

/** Tests that take longer are named. */
const SLOW_MS = 5_000;

const root = fileURLToPath(new URL('../..', import.meta.url));

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { require: { type: 'boolean' } }, allowPositionals: true });
  const chosen = positionals.length === 0 ? [...Object.keys(suites), REPORT] : positionals;
  const unknown = chosen.find((suite) => suite !== REPORT && !(suite in suites));
  if (unknown !== undefined) {
    console.error(`there is no suite ${unknown}; there are ${[...Object.keys(suites), REPORT].join(', ')}`);
    return 2;
  }
  const chromium = findChromium();
  if (chromium === null) {
    console.log("skipped: no Chromium found, install Debian's package chromium or set CHROMIUM=/path/to/chromium");
    return values.require === true ? 1 : 0;
  }
  const built = mkdtempSync(join(tmpdir(), 'blockpruner-browser-'));
  let listener: (report: Report) => void = () => {};
  const server = await startServer(await folders(built), (report) => listener(report));
  const counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    for (const suite of chosen) {
      const found =
        suite === REPORT
          ? await runReport(chromium)
          : await runInBrowser(chromium, server.pageUrl(suite, suites[suite]), (on) => (listener = on));
      counts.passed += found.passed;
      counts.failed += found.failed;
      counts.skipped += found.skipped;
    }
  } finally {
    await server.close();
    rmSync(built, { recursive: true, force: true });
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed === 0 ? 0 : 1;
}

async function runReport(chromium: string): Promise<Counts> {
  console.log('report, driven from outside');
  const counts = await checkReports(chromium);
  console.log(`  ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts;
}

/** Builds the bundle as users get it and the suites, and says where everything lies. */
async function folders(built: string): Promise<Record<string, string>> {
  await bundle(webEntries, join(built, 'bundle'));
  const entries = {
    suitePage: 'spec/browser/suitePage.ts',
    suiteWorker: 'spec/browser/suiteWorker.ts',
    kernelThread: webEntries.kernelThread,
  };
  // An oracle of the specs that looks for a native build of itself.
  const dgemm = '@stdlib/blas/base/dgemm/lib';
  await bundle(entries, join(built, 'suites'), { [`${dgemm}/index.js`]: `${dgemm}/main.js` });
  return {
    bundle: join(built, 'bundle'),
    suites: join(built, 'suites'),
    planted: join(root, 'tiny-models/planted'),
    data: join(root, 'tiny-models/data'),
    ...(hasShared && existsSync(sharedPath('golden', 'hf')) ? { golden: sharedPath('golden', 'hf') } : {}),
  };
}

/** Opens a suite's page and listens to it until it has ended. */
async function runInBrowser(
  chromium: string,
  url: string,
  listen: (on: (report: Report) => void) => void,
): Promise<{ passed: number; failed: number; skipped: number }> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const started = performance.now();
  const fail = (name: string, errors: readonly string[]): void => {
    counts.failed++;
    console.log(`✗ ${name}\n${errors.join('\n').replaceAll(/^/gm, '    ')}`);
  };
  let suite = new URL(url).search;
  const browser = openPage(chromium, url);
  await new Promise<void>((resolve) => {
    const hangs = (): void => {
      fail(`${suite}: no word from the page for ${SILENCE_MS / 1000} s`, []);
      resolve();
    };
    let silence = setTimeout(hangs, SILENCE_MS);
    listen((report) => {
      clearTimeout(silence);
      if (report.type === 'end') {
        if (counts.passed + counts.failed === 0) fail(`${suite}: no test ran`, []);
        if (report.errors.length > 0) fail(`${suite}, outside of its tests`, report.errors);
        resolve();
        return;
      }
      silence = setTimeout(hangs, SILENCE_MS);
      if (report.type === 'begin') {
        suite = report.suite;
        const version = /Chrome\/[\d.]+/.exec(report.browser)?.[0] ?? report.browser;
        console.log(`${suite}, in ${version}, ${report.isolated ? '' : 'not '}cross-origin isolated`);
      } else if (report.state === 'pass') {
        counts.passed++;
        if (report.milliseconds > SLOW_MS)
          console.log(`  ${(report.milliseconds / 1000).toFixed(1)} s: ${report.name}`);
      } else if (report.state === 'skip') {
        counts.skipped++;
        console.log(`- ${report.name}`);
      } else fail(report.name, report.errors);
    });
    const watch = async (): Promise<void> => {
      const printed = await browser.ended;
      // By `close` below, when all is told.
      if (browser.closing()) return;
      clearTimeout(silence);
      fail(`${suite}: Chromium ended`, [printed]);
      resolve();
    };
    void watch();
  });
  listen(() => {});
  await browser.close();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`  ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${seconds} s`);
  return counts;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main();
