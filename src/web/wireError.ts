import {
  AccessError,
  BlockprunerError,
  DataError,
  DisposedError,
  FileChangedError,
  FormatError,
  JournalMismatchError,
  MaskError,
  MemoryBudgetError,
  NonFiniteError,
  NotFoundError,
  ShapeError,
  UnsupportedBackendError,
  UnsupportedModelError,
  UsageError,
} from '../errors.ts';
import type { WireError } from './protocol.ts';

const family = {
  AccessError,
  DataError,
  DisposedError,
  FileChangedError,
  FormatError,
  JournalMismatchError,
  MaskError,
  MemoryBudgetError,
  NonFiniteError,
  NotFoundError,
  ShapeError,
  UnsupportedBackendError,
  UnsupportedModelError,
  UsageError,
} as const;

/**
 * An error as it goes to the page. What is not of the family keeps its stack in its message: it is
 * a bug.
 */
export function toWire(error: unknown): WireError {
  if (error instanceof BlockprunerError) {
    const { name, message, where, remedy } = error;
    return { name, message, where, remedy };
  }
  if (error instanceof DOMException) return { name: error.name, message: error.message };
  return { name: 'Error', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** The same error on the page, of the same class. */
export function fromWire({ name, message, where, remedy }: WireError): Error {
  if (Object.hasOwn(family, name)) {
    // The message has place and remedy in it already.
    return Object.assign(new family[name as keyof typeof family](message), { where, remedy });
  }
  return name === 'Error' ? new Error(message) : new DOMException(message, name);
}
