import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { transpose } from '../../../src/formats/huggingface/transpose.ts';
import { normals, seeds, sizes } from '../../arbitraries.ts';

test.prop([sizes, sizes, seeds])('entry (i, j) goes to (j, i), and twice is nothing', (rows, cols, seed) => {
  const data = normals(seed, rows * cols);
  const turned = transpose(data, rows, cols);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) expect(turned[j * rows + i]).toBe(data[i * cols + j]);
  expect(transpose(turned, cols, rows)).toEqual(data);
});

test.prop([fc.nat(40)])('one row is one column', (size) => {
  const data = normals(size, size);
  expect(transpose(data, 1, size)).toEqual(data);
});
