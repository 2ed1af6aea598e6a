import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { MemoryBudgetError } from '../../../src/errors.ts';
import { Arena, type Allocation } from '../../../src/backends/simd/arena.ts';

const LINE = 64;

/** What the arena should hold: its bounds and the live pieces by rising address. */
interface Model {
  first: number;
  end: number;
  live: Allocation[];
}

/** The free ranges between the live pieces. */
function gaps({ first, end, live }: Model): { offset: number; bytes: number }[] {
  const starts = [first, ...live.map((piece) => piece.offset + piece.bytes)];
  const ends = [...live.map((piece) => piece.offset), end];
  const between = starts.map((offset, index) => ({ offset, bytes: ends[index] - offset }));
  return between.filter(({ bytes }) => bytes > 0);
}

function expectInStep(model: Model, arena: Arena): void {
  expect(arena.inUse).toBe(model.live.reduce((sum, piece) => sum + piece.bytes, 0));
}

class Allocate implements fc.Command<Model, Arena> {
  readonly bytes: number;
  readonly lifetime: 'short' | 'long';

  constructor(bytes: number, lifetime: 'short' | 'long') {
    this.bytes = bytes;
    this.lifetime = lifetime;
  }

  check(): boolean {
    return true;
  }

  run(model: Model, arena: Arena): void {
    const needed = Math.max(LINE, Math.ceil(this.bytes / LINE) * LINE);
    const fitting = gaps(model).filter((gap) => gap.bytes >= needed);
    const gap = this.lifetime === 'short' ? fitting[0] : fitting.at(-1);
    if (gap === undefined) {
      expect(() => arena.allocate(this.bytes, this.lifetime)).toThrow(MemoryBudgetError);
    } else {
      const piece = arena.allocate(this.bytes, this.lifetime);
      // Short-lived pieces rise from the bottom of the first gap, long-lived ones come down from
      // the top of the last.
      expect(piece.offset).toBe(this.lifetime === 'short' ? gap.offset : gap.offset + gap.bytes - needed);
      expect(piece.bytes).toBe(needed);
      expect(piece.offset % LINE).toBe(0);
      expect(piece.offset).toBeGreaterThanOrEqual(model.first);
      expect(piece.offset + piece.bytes).toBeLessThanOrEqual(model.end);
      for (const other of model.live) {
        expect(other.offset + other.bytes <= piece.offset || piece.offset + piece.bytes <= other.offset).toBe(true);
      }
      model.live = [...model.live, piece].sort((a, b) => a.offset - b.offset);
    }
    expectInStep(model, arena);
  }

  toString(): string {
    return `allocate ${this.bytes} (${this.lifetime})`;
  }
}

class Release implements fc.Command<Model, Arena> {
  readonly some: number;

  constructor(some: number) {
    this.some = some;
  }

  check(model: Model): boolean {
    return model.live.length > 0;
  }

  run(model: Model, arena: Arena): void {
    const [piece] = model.live.splice(this.some % model.live.length, 1);
    arena.release(piece);
    expectInStep(model, arena);
    expect(() => arena.release(piece)).toThrow('is not allocated');
  }

  toString(): string {
    return `release ${this.some}`;
  }
}

const sizes = fc.oneof(fc.nat(300), fc.constantFrom(0, 1, 63, 64, 65, 1000));
const commands = fc.commands(
  [
    fc
      .tuple(sizes, fc.constantFrom('short' as const, 'long' as const))
      .map(([bytes, life]) => new Allocate(bytes, life)),
    fc.nat().map((some) => new Release(some)),
  ],
  { maxCommands: 80 },
);

describe('Arena', () => {
  test.prop([fc.nat(200), fc.integer({ min: 300, max: 3000 }), commands], { numRuns: 300 })(
    'keeps live pieces apart, inside and counted; all freed, it is one range again',
    (start, length, steps) => {
      const arena = new Arena(start, start + length);
      const first = Math.ceil(start / LINE) * LINE;
      const model: Model = { first, end: first + arena.capacity, live: [] };
      expect(model.end).toBeLessThanOrEqual(start + length);
      expect(start + length - model.end).toBeLessThan(LINE);
      fc.modelRun(() => ({ model, real: arena }), steps);
      for (const piece of model.live) arena.release(piece);
      expect(arena.inUse).toBe(0);
      expect(arena.allocate(arena.capacity, 'long')).toEqual({ offset: first, bytes: arena.capacity });
    },
  );

  it('says what is in use and what to do when nothing fits', () => {
    const arena = new Arena(0, 2 ** 20);
    arena.allocate(2 ** 19, 'long');
    expect(() => arena.allocate(2 ** 20, 'short')).toThrow(
      '1.0 MiB more do not fit: 0.5 of 1.0 MiB are in use. Raise --memory, or lower --chunk.',
    );
  });
});
