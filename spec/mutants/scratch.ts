/** Copies of the tree to break, and test runs in them. */
import { execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isKernel, mutated, type Mutant } from './mutant.ts';

/** What a mutant's run came to: the first test that failed, or why there is none. */
export type Verdict = { caughtBy: string } | { survived: true } | { broken: string };

/**
 * Compares hashes of the kernels with those of their sources: it would catch any change, right or
 * wrong.
 */
const HASH_SPEC = 'spec/backends/simd/kernels.generated.spec.ts';
const GENERATED = [
  'kernels',
  'statisticsKernels',
  'gradientKernels',
  'ladderKernels',
  'sources',
  'assembly/linearTiles',
  'assembly/gramTiles',
].map((name) => `src/backends/simd/${name}.generated.ts`);

export class Scratch {
  readonly folder: string;

  /** Copies what git knows of the tree at `root`, changes and new files included. */
  constructor(root: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'mutants-'));
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
    for (const file of listed.toString().split('\0')) {
      if (file === '' || !existsSync(join(root, file))) continue;
      mkdirSync(dirname(join(this.folder, file)), { recursive: true });
      copyFileSync(join(root, file), join(this.folder, file));
    }
    for (const modules of ['node_modules', 'tools/node_modules'])
      if (existsSync(join(root, modules))) symlinkSync(join(root, modules), join(this.folder, modules));
  }

  /** Runs `specs` (all where none is named) on the tree as it is, for `limit` ms at most. */
  async test(specs: readonly string[], workers: number, limit: number): Promise<Verdict> {
    const report = join(this.folder, 'runs', 'report.json');
    rmSync(report, { force: true });
    const options = ['--config', 'spec/mutants/vitest.config.ts', '--reporter=json', `--outputFile=${report}`];
    const { code, output } = await this.#run(
      [
        'node_modules/vitest/vitest.mjs',
        'run',
        ...options,
        '--bail=1',
        `--maxWorkers=${workers}`,
        ...specs,
        '--exclude',
        HASH_SPEC,
      ],
      limit,
    );
    if (code === null) return { caughtBy: `the time limit of ${Math.round(limit / 1000)} s` };
    if (!existsSync(report)) return { broken: output.slice(-500) };
    return verdictOf(JSON.parse(readFileSync(report, 'utf8')) as Report);
  }

  /** Puts a fault in, tests, and takes it out again. */
  async try(mutant: Mutant, specs: readonly string[], limit: number): Promise<Verdict> {
    const files = isKernel(mutant) ? [mutant.file, ...GENERATED] : [mutant.file];
    const before = files
      .filter((file) => existsSync(this.#path(file)))
      .map((file) => [file, this.#read(file)] as const);
    try {
      writeFileSync(this.#path(mutant.file), mutated(this.#read(mutant.file), mutant));
      if (isKernel(mutant)) {
        const { code, output } = await this.#run(['src/backends/simd/assembly/build.ts'], limit);
        if (code !== 0) return { broken: `the kernels do not compile: ${output.slice(-500)}` };
      }
      return await this.test(specs, 1, limit);
    } finally {
      for (const [file, text] of before) writeFileSync(this.#path(file), text);
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #path(file: string): string {
    return join(this.folder, file);
  }

  #read(file: string): string {
    return readFileSync(this.#path(file), 'utf8');
  }

  /**
   * Runs a program of Node in the copy. `code` is null where it ran past `limit` ms and was ended.
   */
  #run(args: readonly string[], limit: number): Promise<{ code: number | null; output: string }> {
    // Golden data must not be what catches a fault: a clone has none.
    const env = { ...process.env, BLOCKPRUNER_SHARED: join(this.folder, 'none'), NO_COLOR: '1' };
    const child = spawn(process.execPath, args, { cwd: this.folder, env, detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
    return new Promise((resolve, reject) => {
      // The group: vitest has processes of its own.
      const end = (): void => void (child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'));
      const timer = setTimeout(end, limit);
      process.once('exit', end);
      child.on('error', reject);
      child.on('close', (code) => {
        clearTimeout(timer);
        process.off('exit', end);
        resolve({ code, output });
      });
    });
  }
}

/** The parts of vitest's JSON report that tell what failed. */
interface Report {
  numTotalTests: number;
  testResults: {
    name: string;
    message: string;
    status: string;
    assertionResults: { fullName: string; status: string }[];
  }[];
}

function verdictOf({ numTotalTests, testResults }: Report): Verdict {
  const failed = testResults.flatMap((file) => file.assertionResults).find(({ status }) => status === 'failed');
  if (failed !== undefined) return { caughtBy: failed.fullName };
  const unloaded = testResults.find(({ status }) => status === 'failed');
  if (unloaded !== undefined) return { broken: `${unloaded.name} does not run: ${unloaded.message.slice(0, 300)}` };
  return numTotalTests === 0 ? { broken: 'no test ran' } : { survived: true };
}
