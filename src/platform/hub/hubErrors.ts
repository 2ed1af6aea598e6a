/** The hub's refusals, and the network's, as errors with one clear line. */
import { AccessError, NotFoundError, type BlockprunerError } from '../../errors.ts';

/** A connection that failed or broke off: worth another attempt. */
export class InterruptedError extends AccessError {}

/** What a request was about. */
export interface Asked {
  repo: string;
  revision: string;
  endpoint: string;
  hasToken: boolean;
}

/** The error for an answer with a status of 400 or above. */
export function refusal(asked: Asked, status: number, code: string | null): BlockprunerError {
  const where = `${asked.repo} on ${new URL(asked.endpoint).host}`;
  if (code === 'GatedRepo') {
    return new AccessError('the model is gated.', {
      where,
      remedy: 'Accept its terms on its page, and set HF_TOKEN to a token of that account.',
    });
  }
  if (status === 401 || status === 403) {
    return new AccessError(`there is no such model, or it is private (${status}).`, {
      where,
      remedy: asked.hasToken
        ? 'Check the name, and whether the token in HF_TOKEN may read it.'
        : 'Check the name; for a private model set HF_TOKEN.',
    });
  }
  if (code === 'RevisionNotFound') {
    return new NotFoundError(`there is no revision '${asked.revision}'.`, {
      where,
      remedy: 'Give a branch, a tag or a whole commit hash.',
    });
  }
  if (status === 404) {
    return new NotFoundError('there is no such model or file (404).', {
      where,
      remedy: 'Check the name; a local model is given as a path to a folder or a .gguf file.',
    });
  }
  if (status === 429) {
    return new AccessError('the hub asks to slow down (429).', {
      where,
      remedy: 'Wait some minutes; with HF_TOKEN set its limits are wider.',
    });
  }
  return new InterruptedError(`the hub answered with status ${status}.`, { where, remedy: 'Try again later.' });
}

/** The error for a request that got no whole answer. */
export function broken(asked: Asked, cause: unknown): InterruptedError {
  const reason =
    cause instanceof Error ? ((cause.cause as { code?: string } | undefined)?.code ?? cause.message) : cause;
  // An address in the reason may be signed, or hold a password: its key stays out of messages.
  const shown = String(reason).replaceAll(/(\bhttps?:\/\/)[^\s/]*@|\?[^\s]*/g, '$1');
  return new InterruptedError(`the connection failed (${shown}).`, {
    where: `${asked.repo} on ${new URL(asked.endpoint).host}`,
    remedy: 'Check the network; a model that is in the cache opens with --offline.',
    cause,
  });
}
