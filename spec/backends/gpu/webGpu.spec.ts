import { describe, expect, it, test } from 'vitest';
import { deviceError, nameAdapter } from '../../../src/backends/gpu/webGpu.ts';
import { MemoryBudgetError, UnsupportedBackendError } from '../../../src/errors.ts';

describe('nameAdapter', () => {
  const info = { vendor: '', architecture: '', device: '', description: '' };

  test.each([
    [{ vendor: 'nvidia', architecture: 'hopper', device: 'h100' }, 'nvidia hopper h100', false],
    [{ vendor: 'google', architecture: 'swiftshader', device: '0x1' }, 'google swiftshader, software', true],
    [{ vendor: 'mesa', description: 'llvmpipe (LLVM 15, 256 bits)' }, 'mesa, software', true],
    [{ vendor: 'intel', isFallbackAdapter: true }, 'intel, software', true],
    [{ description: 'NVIDIA H100' }, 'NVIDIA H100', false],
    [{}, 'unnamed adapter', false],
  ])('%o', (found, name, software) => {
    expect(nameAdapter({ ...info, ...found })).toEqual({ name, software });
  });
});

describe('deviceError', () => {
  test.each([
    ['WebGPU device was lost; call kernel.destroy()', UnsupportedBackendError, 'journal'],
    [
      'WebGPU backend: output [9] needs 36 bytes but this device allows 4 per storage buffer',
      MemoryBudgetError,
      'room',
    ],
    ["output dimension 1 needs 70000 workgroups, over this device's limit of 65535", MemoryBudgetError, 'room'],
    ['Out of memory', MemoryBudgetError, 'room'],
  ])('%s', (message, kind, says) => {
    const error = deviceError(message);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(says);
    expect(error.message).not.toContain('\n');
  });

  it('leaves a bug what it is', () => {
    const bug = new TypeError('x is not a function');
    expect(deviceError(bug.message, bug)).toBe(bug);
  });
});
