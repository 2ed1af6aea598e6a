/** Errors on their way from the worker to the page: cloned, and of the same class afterwards. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import * as errors from '../../src/errors.ts';
import type { WireError } from '../../src/web/protocol.ts';
import { fromWire, toWire } from '../../src/web/wireError.ts';

const { BlockprunerError } = errors;
type Made = new (message: string, details?: errors.ErrorDetails) => errors.BlockprunerError;

/** Every class of the family but its base, which nothing throws. */
const family = Object.entries(errors).filter(([, made]) => {
  return typeof made === 'function' && made.prototype instanceof BlockprunerError;
}) as [string, Made][];

const text = fc.string({ unit: 'binary', maxLength: 30 });
const sent = (error: unknown): Error => fromWire(structuredClone(toWire(error)));

it('the family is seen whole', () => {
  expect(family.length).toBeGreaterThanOrEqual(14);
});

describe.each(family)('%s', (name, Kind) => {
  test.prop([text, fc.option(text, { nil: undefined }), fc.option(text, { nil: undefined })])(
    'arrives with its class, message, place and remedy',
    (message, where, remedy) => {
      const error = new Kind(message, { where, remedy, cause: () => 'a function cannot be cloned' });
      const there = sent(error);
      expect(there).toBeInstanceOf(Kind);
      expect(there.constructor).toBe(Kind);
      expect(there).toMatchObject({ name, message: error.message });
      expect({ ...there }).toEqual({ name, where, remedy });
      // Once more, as from a worker inside a worker.
      expect(toWire(there)).toEqual(toWire(error));
    },
  );
});

describe('another error', () => {
  test.prop([text, fc.constantFrom('AbortError', 'QuotaExceededError', 'NotReadableError', 'DataCloneError')])(
    'of the browser keeps its name',
    (message, name) => {
      const there = sent(new DOMException(message, name));
      expect(there).toBeInstanceOf(DOMException);
      expect([there.name, there.message]).toEqual([name, message]);
    },
  );

  it('that is a bug brings the stack of the worker along', () => {
    const bug = new TypeError('x is not a function');
    const there = sent(bug);
    expect(there.constructor).toBe(Error);
    expect(there.message).toBe(bug.stack);
    expect(there.message).toContain('wireError.spec.ts');
  });

  it.each(['text', 5, null, undefined, { message: 'an object' }])(
    '%j, thrown by itself, arrives as an Error',
    (thrown) => {
      expect(sent(thrown)).toMatchObject({ name: 'Error', message: String(thrown) });
    },
  );

  it('without a stack says its message', () => {
    const bare = new RangeError('too long');
    delete bare.stack;
    expect(sent(bare).message).toBe('too long');
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('named %s is no member of the family', (name) => {
    const there = fromWire({ name, message: 'm' } satisfies WireError);
    expect(there).toBeInstanceOf(DOMException);
    expect([there.name, there.message]).toEqual([name, 'm']);
  });
});
