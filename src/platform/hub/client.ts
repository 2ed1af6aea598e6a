/**
 * What we ask the hub, through its own client library: the commit of a revision, the files of a
 * commit, a file's bytes. Every failure leaves as a typed error. Files come as one plain HTTP
 * stream each, which can be taken up again in the middle; what they are worth is decided by their
 * hash, in download.ts.
 */
import { BlockprunerError, FormatError, UsageError } from '../../errors.ts';
import type { FileHash } from './blobCheck.ts';
import { isCommit } from './cache.ts';
import { broken, refusal, type Asked } from './hubErrors.ts';
import type { HubSettings } from './settings.ts';

/** Silence after which a connection counts as dead, ms. */
const SILENCE = 60_000;
/**
 * Fewest bytes that must come within each such time: a connection that drips is as good as dead.
 */
const LEAST = 1 << 16;
/** Largest answer of the API that is read, bytes. */
const MAX_ANSWER = 1 << 25;
/**
 * Most pages of a repository's file listing that are looked at; the hub puts 1,000 entries on one.
 */
const MAX_PAGES = 100;

/** A file of a commit, as the hub lists it. */
export interface HubFile {
  readonly name: string;
  readonly size: number;
  /** Its name among the cache's blobs. */
  readonly etag: string;
  /** What its bytes must hash to; null where the hub names no hash we can compute. */
  readonly hash: FileHash | null;
}

export class HubClient {
  readonly #repo: string;
  readonly #settings: HubSettings;
  readonly #asked: Asked;

  constructor(repo: string, settings: HubSettings) {
    this.#repo = repo;
    this.#settings = settings;
    const { revision, endpoint, token } = settings;
    this.#asked = { repo, revision, endpoint, hasToken: token !== null };
    // Checked whole: a message about a header that cannot be sent would quote it.
    if (token !== null && !/^hf_[\x21-\x7e]+$/.test(token)) {
      throw new UsageError('is not a token of the hub: hf_ and letters, without spaces.', { where: 'HF_TOKEN' });
    }
  }

  /** The commit that the revision stands for now. */
  async commit(): Promise<string> {
    return this.#typed(async () => {
      const { modelInfo } = await import('@huggingface/hub');
      const info = await modelInfo({
        ...this.#common((input, init) => this.#answer(input, init)),
        name: this.#repo,
        revision: this.#settings.revision,
        additionalFields: ['sha'],
      });
      if (typeof info.sha !== 'string' || !isCommit(info.sha)) throw new TypeError('no commit');
      return info.sha;
    });
  }

  /** The files in the top folder of a commit. */
  async files(commit: string): Promise<HubFile[]> {
    return this.#typed(async () => {
      const { listFiles } = await import('@huggingface/hub');
      const files: HubFile[] = [];
      let pages = 0;
      const nextPage: typeof fetch = (input, init) => {
        if (++pages > MAX_PAGES) throw new TypeError('too many pages');
        return this.#answer(input, init);
      };
      for await (const entry of listFiles({ ...this.#common(nextPage), repo: this.#named(), revision: commit })) {
        if (entry.type === 'file') files.push(hubFile(entry));
      }
      return files;
    });
  }

  /**
   * The bytes of a file from `from` on.
   * @throws InterruptedError when the connection fails or breaks off.
   */
  async *bytes(commit: string, file: HubFile, from: number): AsyncGenerator<Uint8Array> {
    const { downloadFile } = await import('@huggingface/hub');
    // The library's stream hands on the message of a failed request only.
    let failure: unknown = null;
    // Bytes we have that come again: a server may answer a range with the whole file.
    let known = 0;
    const noting: typeof fetch = async (input, init) => {
      try {
        const response = await this.#fetch(input, init);
        known = response.status === 206 ? 0 : from;
        return response;
      } catch (error) {
        failure = error;
        throw error;
      }
    };
    const path = `${this.#repo}/resolve/${commit}/${encodeURIComponent(file.name)}`;
    const blob = await downloadFile({
      ...this.#common(noting),
      repo: this.#named(),
      path: file.name,
      revision: commit,
      xet: false,
      downloadInfo: { size: file.size, etag: file.etag, url: `${this.#settings.endpoint}/${path}` },
    });
    if (blob === null || from === file.size) return;
    const reader = (blob.slice(from, file.size).stream() as ReadableStream<Uint8Array>).getReader();
    const pace = new Pace();
    try {
      for (;;) {
        const { done, value } = await pace.next(reader.read());
        if (done) return;
        pace.came(value.length);
        if (known < value.length) yield value.subarray(known);
        known = Math.max(0, known - value.length);
      }
    } catch (cause) {
      throw failure instanceof BlockprunerError ? failure : broken(this.#asked, cause);
    } finally {
      pace.end();
      await reader.cancel().catch(() => undefined);
    }
  }

  /**
   * As an object: from a text the library would take names such as models/x for a kind of
   * repository.
   */
  #named(): { type: 'model'; name: string } {
    return { type: 'model', name: this.#repo };
  }

  #common(fetchWith: typeof fetch): { hubUrl: string; accessToken: string | undefined; fetch: typeof fetch } {
    const { endpoint, token } = this.#settings;
    return { hubUrl: endpoint, accessToken: token ?? undefined, fetch: fetchWith };
  }

  /**
   * An answer's head, redirects followed; fetch itself keeps the token from a redirect's other
   * origin.
   */
  async #fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    let response: Response;
    const headers = new Headers(init.headers);
    // The next page of a listing is wherever the answer says.
    const { origin } = new URL(input instanceof Request ? input.url : input);
    if (origin !== new URL(this.#settings.endpoint).origin) headers.delete('authorization');
    const abort = new AbortController();
    try {
      response = await withinSilence(fetch(input, { ...init, headers, signal: abort.signal }));
    } catch (cause) {
      abort.abort();
      throw broken(this.#asked, cause);
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw refusal(this.#asked, response.status, response.headers.get('x-error-code'));
    }
    return response;
  }

  /** An answer of the API, bounded in size and time. */
  async #answer(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const response = await this.#fetch(input, init);
    const pieces: BlobPart[] = [];
    let length = 0;
    const reader = response.body?.getReader();
    const pace = new Pace();
    try {
      for (;;) {
        const next = await pace.next(reader?.read() ?? Promise.resolve({ done: true as const, value: undefined }));
        if (next.done) return new Response(new Blob(pieces), { headers: response.headers });
        pieces.push(next.value);
        length += next.value.length;
        pace.came(next.value.length);
        if (length > MAX_ANSWER) throw new Error(`an answer longer than ${MAX_ANSWER} bytes`);
      }
    } catch (cause) {
      await reader?.cancel().catch(() => undefined);
      throw broken(this.#asked, cause);
    } finally {
      pace.end();
    }
  }

  /** Runs a request; an answer of another form than the API's becomes a FormatError. */
  async #typed<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (cause) {
      if (cause instanceof BlockprunerError) throw cause;
      throw new FormatError("the answer is not the hub's.", {
        where: `${this.#repo} on ${new URL(this.#settings.endpoint).host}`,
        remedy: 'Check HF_ENDPOINT.',
        cause,
      });
    }
  }
}

function hubFile(entry: {
  path: string;
  size: number;
  oid?: string;
  lfs?: { oid: string };
  xetHash?: string;
}): HubFile {
  const { path: name, size, oid, lfs, xetHash } = entry;
  // The name tells which hash the bytes have: a hash that we cannot compute gets a name that is
  // none.
  const etag: unknown = lfs?.oid ?? (xetHash === undefined ? oid : `xet-${xetHash}`);
  if (typeof name !== 'string' || !Number.isSafeInteger(size) || size < 0) throw new TypeError('no file');
  // It becomes a file name.
  if (typeof etag !== 'string' || !/^(?:xet-)?[0-9a-f]{40,64}$/.test(etag)) throw new TypeError('no etag');
  const kind = lfs?.oid !== undefined ? 'sha256' : 'git';
  return { name, size, etag, hash: lfs === undefined && xetHash !== undefined ? null : { kind, hex: etag } };
}

/**
 * Sees to it that an answer's bytes keep coming: `LEAST` in every `SILENCE`, however they are
 * spread.
 */
class Pace {
  #bytes = 0;
  #late: { promise: Promise<never>; timer: NodeJS.Timeout | undefined } = lateAfterSilence();

  /** The next piece, or a rejection once the time for `LEAST` bytes is over. */
  next<T>(piece: Promise<T>): Promise<T> {
    return Promise.race([piece, this.#late.promise]);
  }

  came(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < LEAST) return;
    this.#bytes = 0;
    this.end();
    this.#late = lateAfterSilence();
  }

  end(): void {
    clearTimeout(this.#late.timer);
  }
}

function lateAfterSilence(): { promise: Promise<never>; timer: NodeJS.Timeout | undefined } {
  const late = { timer: undefined as NodeJS.Timeout | undefined };
  const promise = new Promise<never>((_, reject) => {
    late.timer = setTimeout(() => reject(new Error(`too little came within ${SILENCE / 1000} s`)), SILENCE);
  });
  // Nobody may be waiting when the time is over.
  promise.catch(() => undefined);
  return { promise, timer: late.timer };
}

/** `work`, or a rejection once nothing has come of it for too long. */
async function withinSilence<T>(work: Promise<T>): Promise<T> {
  const late = lateAfterSilence();
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(late.timer);
  }
}
