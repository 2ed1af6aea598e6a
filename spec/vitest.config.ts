import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['spec/**/*.spec.ts'],
    // Separate processes: V8 has crashed when WebAssembly modules are shared between vitest's
    // threads.
    pool: 'forks',
    maxWorkers: 2,
    // Commands are compared by their words. Where CI is set they would come in colours, terminal or
    // not.
    env: { NO_COLOR: '1' },
    // For what hangs, not for what is slow: some specs take half a minute, and a busy machine
    // several times as long.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});

export default config;
