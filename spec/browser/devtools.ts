/**
 * A page that is driven from outside, by the browser's own protocol over a WebSocket: real keys,
 * other sizes of the window, dark mode, print. No driver is needed for that.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flags } from './chromium.ts';

/** A command's answer, or an event. */
interface Message {
  id?: number;
  method?: string;
  result?: Record<string, unknown>;
  error?: { message: string };
}

export interface DrivenPage {
  /** A command of the protocol: `Input.dispatchKeyEvent`, … */
  send(method: string, params?: object): Promise<Record<string, unknown>>;
  /** Opens an address and waits until it is loaded. */
  open(url: string): Promise<void>;
  /** The value of an expression, awaited. @throws Error with what the page threw. */
  evaluate<T>(expression: string): Promise<T>;
  /** Presses a key as a user does: `Tab`, `ArrowDown`, … */
  press(key: string, modifiers?: number): Promise<void>;
  /** Errors and refusals that the console has told of. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** Key codes of the keys that have no letter. */
const CODES: Readonly<Record<string, number>> = {
  Tab: 9,
  Enter: 13,
  Escape: 27,
  ' ': 32,
  End: 35,
  Home: 36,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
};

/** Starts a browser with one empty page. */
export async function drive(chromium: string): Promise<DrivenPage> {
  const profile = mkdtempSync(join(tmpdir(), 'blockpruner-chromium-'));
  // No GPU is painted with: drawing is quicker without one that is made of software.
  const plain = flags.filter((flag) => !/gpu|angle|swiftshader/.test(flag));
  const args = [...plain, '--disable-gpu', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'];
  const child = spawn(chromium, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  process.once('exit', kill);
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const port = await new Promise<string>((resolve, reject) => {
    let printed = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const [, found] = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(printed) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.on('close', () => reject(new Error(`Chromium ended: ${printed.slice(-2000)}`)));
  });
  const pages = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
    type: string;
    webSocketDebuggerUrl: string;
  }[];
  const target = pages.find(({ type }) => type === 'page');
  if (target === undefined) throw new Error('Chromium has opened no page');
  const page = await connect(target.webSocketDebuggerUrl);
  return {
    ...page,
    async close() {
      process.removeListener('exit', kill);
      kill();
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

async function connect(address: string): Promise<Omit<DrivenPage, 'close'>> {
  const socket = new WebSocket(address);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new Error('no connection to Chromium')));
  });
  const waiting = new Map<number, (message: Message) => void>();
  const complaints: string[] = [];
  let loaded = (): void => {};
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message & { params?: { entry?: { level: string; text: string } } };
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    if (message.method === 'Page.loadEventFired') loaded();
    if (message.method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(message.params));
    const entry = message.method === 'Log.entryAdded' ? message.params?.entry : undefined;
    if (entry?.level === 'error') complaints.push(entry.text);
  });
  const send: DrivenPage['send'] = async (method, params = {}) => {
    const id = ++last;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params }));
    const { result = {}, error } = await answer;
    waiting.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  };
  for (const domain of ['Page', 'Runtime', 'Log']) await send(`${domain}.enable`);
  // Focus events, whether or not the window is in front.
  await send('Emulation.setFocusEmulationEnabled', { enabled: true });
  return {
    send,
    complaints,
    async open(url) {
      const done = new Promise<void>((resolve) => (loaded = resolve));
      await send('Page.navigate', { url });
      await done;
    },
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = (await send('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
        userGesture: true,
      })) as { result: { value: T }; exceptionDetails?: { text: string; exception?: { description?: string } } };
      if (exceptionDetails === undefined) return result.value;
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    },
    async press(key, modifiers = 0) {
      const code = CODES[key];
      const event = { key, code: key === ' ' ? 'Space' : key, windowsVirtualKeyCode: code, modifiers };
      const text = key === 'Enter' ? '\r' : key === ' ' ? ' ' : undefined;
      await send('Input.dispatchKeyEvent', { type: text === undefined ? 'rawKeyDown' : 'keyDown', text, ...event });
      await send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
    },
  };
}
