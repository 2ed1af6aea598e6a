/**
 * The program of Node's kernel threads as one text, which stands in dist in the place of
 * platform/kernelWorkerEntry.js, so that a program that bundles the package has it within.
 */
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { onLog } from './onLog.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The program of a kernel thread under Node: one script that needs nothing but Node. */
export async function nodeWorkerCode(): Promise<string> {
  const build = await rolldown({ cwd: root, input: 'src/platform/kernelWorker.ts', platform: 'node', onLog });
  try {
    const { output } = await build.generate({ format: 'cjs', minify: true });
    if (output.length !== 1) throw new Error(`a kernel thread is one file, not ${output.length}`);
    return output[0].code;
  } finally {
    await build.close();
  }
}
