import { describe, expect, it } from 'vitest';
import { backendWords } from '../../src/cli/backendWords.ts';
import { blockpruner, planted, text } from './command.ts';

describe('backendWords', () => {
  it.each([
    ['simd (relaxed-fma, 8 lanes, 2 threads)', 'simd, 2 threads'],
    ['simd (strict-mul, 4 lanes, 1 thread)', 'simd, 1 thread'],
    ['reference', 'reference'],
    ['gpu (webgpu, NVIDIA H100)', 'gpu (webgpu, NVIDIA H100)'],
    // A description that is not known is shown as it is.
    ['simd (of another kind)', 'simd (of another kind)'],
  ])('%s', (description, words) => {
    expect(backendWords(description)).toBe(words);
    expect(backendWords(description, 8)).toBe(description);
  });
});

describe('on the terminal', () => {
  const measure = ['perplexity', planted, '--data', text, '--tokens', '256', '--threads', '1'];

  it('lanes are not spoken of, but where they were asked for and in documents', async () => {
    const { stdout, stderr } = await blockpruner(measure);
    expect(stderr).toContain('backend: simd, 1 thread\n');
    expect(stdout).toMatch(/^backend: simd, 1 thread, [\d.]+ s$/m);
    const asked = await blockpruner([...measure, '--lanes', '4']);
    expect(asked.stderr).toMatch(/^backend: simd \([\w-]+, 4 lanes, 1 thread\); simd is /m);
    expect(asked.stdout).toMatch(/^backend: simd \([\w-]+, 4 lanes, 1 thread\), /m);
    const { stdout: document } = await blockpruner([...measure, '--json']);
    expect((JSON.parse(document) as { backend: string }).backend).toMatch(/^simd \([\w-]+, [48] lanes, 1 thread\)$/);
  });
});
