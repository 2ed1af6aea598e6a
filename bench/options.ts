import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

export interface BenchOptions {
  /** A few seconds on small shapes, to see that everything runs. Its figures say nothing. */
  quick: boolean;
  /** Folder for the results; null = none are written. */
  out: string | null;
  /** File name without ending; null = date and machine. */
  name: string | null;
  /** A real model for endToEnd. */
  model: string | null;
}

/** The options all benches share; they end the process with the usage where one is wrong. */
export function benchOptions(args: readonly string[] = process.argv.slice(2)): BenchOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        out: { type: 'string' },
        name: { type: 'string' },
        model: { type: 'string' },
      },
    });
    const results = fileURLToPath(new URL('results', import.meta.url));
    const { quick, out = quick ? null : results, name = null, model = null } = values;
    return { quick, out, name, model };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error('usage: [--quick] [--out FOLDER] [--name NAME] [--model FILE.gguf]');
    process.exit(2);
  }
}
