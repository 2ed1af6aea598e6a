import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { IdBuffer } from '../../src/tokenizer/idBuffer.ts';

const pushes = fc.array(fc.tuple(fc.array(fc.nat(2 ** 31 - 1), { maxLength: 9 }), fc.nat(9)), { maxLength: 12 });

test.prop([pushes, fc.nat(120)])('holds what a list would, the first ids of a push left out', (parts, count) => {
  const buffer = new IdBuffer();
  const list: number[] = [];
  for (const [ids, from] of parts) {
    const start = Math.min(from, ids.length);
    buffer.push(ids, start);
    list.push(...ids.slice(start));
    expect(buffer.length).toBe(list.length);
  }
  expect([...buffer.first(count)]).toEqual(list.slice(0, count));
  expect([...buffer.first(Infinity)]).toEqual(list);
});

it.each([4095, 4096, 4097, 50_000])('grows: %i ids in one push, and some more behind them', (count) => {
  const ids = Array.from({ length: count }, (_, index) => 3 * index);
  const buffer = new IdBuffer();
  buffer.push(ids);
  buffer.push([7, 8, 9], 1);
  expect([...buffer.first(Infinity)]).toEqual([...ids, 8, 9]);
});

it('gives ids in memory of their own: what comes later does not change them', () => {
  const buffer = new IdBuffer();
  buffer.push([1, 2]);
  const taken = buffer.first(5);
  buffer.push([3]);
  taken[0] = 9;
  expect([[...taken], [...buffer.first(5)]]).toEqual([
    [9, 2],
    [1, 2, 3],
  ]);
  expect(taken.buffer.byteLength).toBe(8);
});
