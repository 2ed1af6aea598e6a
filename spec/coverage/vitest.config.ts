import { mergeConfig, type ViteUserConfig } from 'vitest/config';
import base from '../vitest.config.ts';

/** Node loads the sources itself, by type stripping, so that V8 counts at their own positions. */
const config: ViteUserConfig = mergeConfig(base, {
  test: {
    setupFiles: ['spec/coverage/setup.ts'],
    experimental: { viteModuleRunner: false, nodeLoader: false },
  },
});

export default config;
