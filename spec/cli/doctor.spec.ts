/** `doctor`: the text and the document tell the same of this machine. */
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { gpuModes } from '../../src/backends/gpu/gpuMode.ts';
import { byteSize } from '../../src/cli/figures.ts';
import { inProcess } from './inProcess.ts';

interface Facts {
  schema: string;
  node: string;
  threads: number;
  memory: number;
  defaultMemory: number;
  simd: boolean;
  relaxedSimd: boolean;
  sharedMemory: boolean;
  gpu: { mode: string; adapter: { name: string } | null; missing: string | null }[];
  backend: string;
  why: string;
}

async function doctor(...rest: string[]): Promise<string> {
  const { code, stdout, stderr } = await inProcess(['doctor', ...rest], { cwd: tmpdir() });
  expect(code, stderr).toBe(0);
  return stdout;
}

describe('doctor', () => {
  it('says in words what its document holds', async () => {
    const facts = JSON.parse(await doctor('--json')) as Facts;
    const lines = (await doctor()).split('\n');
    const line = (title: string): string => lines.find((text) => text.trimStart().startsWith(title)) ?? '';
    const yes = (value: boolean): string => (value ? 'yes' : 'no');
    expect(facts.schema).toBe('blockpruner.doctor/1');
    expect(lines[0]).toContain(`on Node ${process.version}`);
    expect(facts.node).toBe(process.version);
    expect(line('processor')).toContain(`${facts.threads} threads`);
    expect(line('memory')).toContain(byteSize(facts.memory));
    expect(line('memory')).toContain(byteSize(facts.defaultMemory));
    expect(facts.defaultMemory).toBeLessThanOrEqual(facts.memory / 2);
    expect(line('WebAssembly SIMD')).toMatch(new RegExp(` ${yes(facts.simd)}$`));
    expect(line('with fused multiply-add')).toMatch(new RegExp(` ${yes(facts.relaxedSimd)}$`));
    expect(line('with threads')).toMatch(new RegExp(` ${yes(facts.sharedMemory)}$`));
    expect(line('backend')).toBe(`backend           ${facts.backend}: ${facts.why}`);
    const someMissing = facts.gpu.some((path) => path.missing !== null);
    expect(lines.some((text) => text.includes('is optional: only --backend gpu'))).toBe(someMissing);
    // Every way to run gpu.js has a line: it runs, on what, or what is missing.
    expect(facts.gpu.map(({ mode }) => mode)).toEqual([...gpuModes]);
    for (const { mode, adapter, missing } of facts.gpu) {
      const found = lines.find((text) => new RegExp(`^(?:GPU \\(gpu\\.js\\))? +${mode} `).test(text)) ?? '';
      if (missing !== null)
        expect(found).toContain(`${mode.padEnd(11)} no: ${missing.replace(/^--gpu-mode \w+: /, '')}`);
      else expect(found).toContain(adapter?.name ?? 'yes');
    }
  });
});
