/** The browser: one that is on this machine already; none is ever downloaded. */
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** Where Chromium is: CHROMIUM, else the PATH; null where there is none. */
export function findChromium(): string | null {
  const { CHROMIUM = '', PATH = '' } = process.env;
  if (CHROMIUM !== '') return isExecutable(CHROMIUM) ? CHROMIUM : null;
  const paths = PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return paths.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** WebGPU and WebGL2 by SwiftShader, on the processor: right results on any machine, no speed. */
export const flags: readonly string[] = [
  '--headless=new',
  '--no-sandbox',
  '--no-first-run',
  '--disable-extensions',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-dev-shm-usage',
  '--disable-renderer-backgrounding',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--enable-logging=stderr',
];

export interface Browser {
  /** Resolves when the browser has ended by itself, with the end of what it printed. */
  ended: Promise<string>;
  /** Whether it was asked to end. */
  closing(): boolean;
  /** Ends it, with all its processes. */
  close(): Promise<void>;
}

/** Opens a page in a browser of its own, with a fresh profile. */
export function openPage(chromium: string, url: string): Browser {
  const profile = mkdtempSync(join(tmpdir(), 'blockpruner-chromium-'));
  // A process group of its own, since the program is a script on some systems.
  const child = spawn(chromium, [...flags, `--user-data-dir=${profile}`, url], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-4000)));
  const ended = new Promise<string>((resolve) => {
    child.on('error', ({ message }) => resolve(message));
    child.on('close', () => resolve(printed));
  });
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  // Also where this program is ended before its time.
  process.once('exit', kill);
  let asked = false;
  return {
    ended,
    closing: () => asked,
    async close() {
      asked = true;
      process.removeListener('exit', kill);
      kill();
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
