/**
 * The error family. Every error says what is wrong, where, and what to do next, because a reader of
 * a terminal line has nothing else. Bad input is data: a malformed file, flag or model yields one
 * of these, never a bare `TypeError` from the middle of a parser.
 */

/** What every blockpruner error carries beside its message. */
export interface ErrorDetails {
  /** The file, flag, tensor or config field the error is about. */
  where?: string;
  /** What the user can do about it, as an imperative sentence. */
  remedy?: string;
  cause?: unknown;
}

/** Base of all errors that are the input's fault or the environment's, not a bug. */
export class BlockprunerError extends Error {
  readonly where: string | undefined;
  readonly remedy: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    const where = details.where === undefined ? '' : `${details.where}: `;
    const remedy = details.remedy === undefined ? '' : ` ${details.remedy}`;
    // Whatever a message quotes, it stays one line and cannot steer a terminal.
    const line = escapeControls(`${where}${message}${remedy}`);
    super(line, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.where = details.where;
    this.remedy = details.remedy;
  }
}

/** A file (safetensors, GGUF, JSON, journal, tokenizer) that does not follow its format. */
export class FormatError extends BlockprunerError {}

/**
 * A model whose family or a config field of which we do not implement; the numbers would be wrong.
 */
export class UnsupportedModelError extends BlockprunerError {}

/** A file, folder, tensor or hub repository that is not there or cannot be read or written. */
export class NotFoundError extends BlockprunerError {}

/** A file that exists but cannot be read or written. */
export class AccessError extends BlockprunerError {}

/**
 * A file that was written to, or replaced, after it was opened: what was read of it no longer
 * belongs together.
 */
export class FileChangedError extends BlockprunerError {}

/**
 * Calibration or evaluation data that cannot be used: empty, shorter than a chunk, ids out of
 * range.
 */
export class DataError extends BlockprunerError {}

/** NaN or an infinity where the model should give a number. */
export class NonFiniteError extends BlockprunerError {}

/** A block name, mask or search setting that does not fit the model. */
export class MaskError extends BlockprunerError {}

/** A wrong flag or argument on the command line (exit code 2). */
export class UsageError extends BlockprunerError {}

/**
 * A journal that belongs to other weights, tokens or settings than the run that wants to resume it.
 */
export class JournalMismatchError extends BlockprunerError {}

/** An op or a backend that this machine or this backend does not offer. */
export class UnsupportedBackendError extends BlockprunerError {}

/** A backend that was disposed, before the call or while it was under way. */
export class DisposedError extends BlockprunerError {}

/** The memory budget does not hold what the run needs at the least. */
export class MemoryBudgetError extends BlockprunerError {}

/** A caller's mistake: shapes that do not fit, an option out of its range. */
export class ShapeError extends BlockprunerError {}

/** The first `length` UTF-16 units of a text, one less where a character would be cut in half. */
export function shortened(text: string, length: number): string {
  const cut = text.slice(0, length);
  return cut.length < text.length ? cut.replace(/[\ud800-\udbff]$/, '') : cut;
}

/**
 * Text out of a file with whatever steers a terminal, or breaks a one-line message, written as an
 * escape.
 */
export function escapeControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => {
    return `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
}
