/** One GET, with what may pass by itself tried again and every failure said for what it is. */
import { AccessError, NotFoundError } from '../errors.ts';

/** Bytes asked for. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

export interface RequestOptions {
  /** What the file is called in messages. */
  readonly name: string;
  /** null asks for the whole file. */
  readonly range: Range | null;
  /** Whether a connection that fails is tried again: not where it never worked. */
  readonly persistent: boolean;
  /** Waits between two tries. */
  readonly pause: (milliseconds: number) => Promise<void>;
}

/** An answer with its body, which has arrived in full. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** Answers that mean "not now". */
const passing: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Waits between the tries, in milliseconds, where the server names none. */
const WAITS = [500, 1000, 2000];
/** Longest wait that a server may ask for. */
const MAX_WAIT = 60_000;

/**
 * Asks up to four times. An answer of 416 is for the caller.
 * @throws NotFoundError for 404; AccessError for other failures, and for a web page that comes in
 * place of the file.
 */
export async function request(url: string, options: RequestOptions): Promise<Answer> {
  for (let tries = 0; ; tries++) {
    const last = tries === WAITS.length;
    const answer = await ask(url, options);
    if (answer instanceof AccessError) {
      if (last || !options.persistent) throw answer;
      await options.pause(WAITS[tries]);
    } else {
      if (last || !passing.has(answer.status)) return checked(answer, options);
      await options.pause(asked(answer.headers) ?? WAITS[tries]);
    }
  }
}

/** Gives the error where there was no answer, or not all of it. */
async function ask(url: string, { name, range }: RequestOptions): Promise<Answer | AccessError> {
  const headers: HeadersInit = {};
  if (range !== null) headers.range = `bytes=${range.offset}-${range.offset + range.length - 1}`;
  let response: Response;
  try {
    response = await fetch(url, { headers });
  } catch (cause) {
    return new AccessError('cannot be fetched.', {
      where: name,
      remedy: 'The server may be down, or not allow this page to read from it (CORS).',
      cause,
    });
  }
  try {
    return { status: response.status, headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) };
  } catch (cause) {
    // A RangeError: what was sent is more than a page can hold.
    if (cause instanceof RangeError) {
      throw new AccessError('the server sends the whole file at once, more than memory holds.', {
        where: name,
        remedy: 'Serve it from a server that knows ranges.',
        cause,
      });
    }
    return new AccessError('the connection broke off.', { where: name, remedy: 'Try again.', cause });
  }
}

/** The wait that a header Retry-After asks for: seconds, or a date. */
function asked(headers: Headers): number | null {
  const text = headers.get('retry-after');
  if (text === null) return null;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(wait) ? Math.min(MAX_WAIT, Math.max(0, wait)) : null;
}

function checked(answer: Answer, { name: where, range }: RequestOptions): Answer {
  const { status, headers } = answer;
  if (status === 416 && range !== null) return answer;
  if (status === 404) {
    throw new NotFoundError('there is no such file (404).', { where, remedy: 'Check the address.' });
  }
  if (status < 200 || status > 299) {
    throw new AccessError(`the server answered ${status}.`, { where, remedy: remedyFor(status) });
  }
  if (/^text\/html\b/i.test(headers.get('content-type') ?? '') && !/\.html?$/i.test(where)) {
    throw new AccessError('the server answered with a web page, not with the file.', {
      where,
      remedy: 'Check the address: many servers send their start page for what they do not have.',
    });
  }
  return answer;
}

function remedyFor(status: number): string {
  if (status === 401 || status === 403) return 'The address may need a sign-in, or have expired.';
  if (status === 429) return 'It has had too many requests: wait a while.';
  return status >= 500 ? 'It has trouble of its own: try again later.' : 'Check the address.';
}
