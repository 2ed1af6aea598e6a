import { mergeConfig, type ViteUserConfig } from 'vitest/config';
import suite from '../vitest.config.ts';

/** The suite's configuration for a scratch copy, whose node_modules is a link to the tree's own. */
const config: ViteUserConfig = mergeConfig(suite, {
  cacheDir: 'runs/vite',
  test: { setupFiles: ['spec/mutants/setup.ts'] },
});

export default config;
