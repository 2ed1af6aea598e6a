import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { FormatError } from '../errors.ts';
import { splitLines } from '../platform/journalSink.ts';
import { accessError } from '../platform/nodeFile.ts';
import { writeFileWhole } from '../platform/nodeFolder.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { isSealed, LineChain } from '../prune/lineChain.ts';
import type { TrainEvent } from '../train/train.ts';

export type LogLine = Extract<TrainEvent, { type: 'step' | 'measured' }>;

type Warn = (message: string) => void;

/**
 * What a run said of its steps, one JSON line each, with a checksum over itself and the line before
 * (lineChain.ts). Lines beyond the checkpoint that it resumes from are dropped.
 */
export class TrainingLog {
  readonly lines: LogLine[] = [];
  readonly #path: string;
  readonly #chain: LineChain;

  private constructor(path: string, identity: string) {
    this.#path = path;
    this.#chain = new LineChain(nodeHasher, identity);
  }

  /**
   * @param step steps that are done.
   * @param identity of the run: another's log does not fit.
   * @param warn hears of a log without checksums, and of one that lacks steps.
   * @throws FormatError naming the line that is damaged or not this run's.
   */
  static async open(path: string, step: number, identity: string, warn: Warn): Promise<TrainingLog> {
    const log = new TrainingLog(path, identity);
    const found = step === 0 ? [] : await readLog(path, identity, warn);
    const kept = found.filter((line) => line.step <= step);
    await writeFileWhole(path, kept.map((line) => `${log.#take(line)}\n`).join(''));
    const steps = kept.filter(({ type }) => type === 'step').length;
    if (steps < step) {
      warn(`${path}: has ${steps} of the ${step} steps done; tokens, seconds and the loss curve leave the others out.`);
    }
    return log;
  }

  add(line: LogLine): void {
    try {
      appendFileSync(this.#path, `${this.#take(line)}\n`);
    } catch (cause) {
      throw accessError(this.#path, cause);
    }
  }

  #take(line: LogLine): string {
    const sealed = this.#chain.seal(line);
    this.#chain.add(sealed);
    this.lines.push(line);
    return sealed;
  }
}

/** The whole lines of a log; an empty list without a file. */
async function readLog(path: string, identity: string, warn: Warn): Promise<LogLine[]> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return new Uint8Array();
    throw accessError(path, cause);
  });
  const { lines } = splitLines(bytes);
  const chain = new LineChain(nodeHasher, identity);
  const checked = lines.some(isSealed);
  if (!checked && lines.length > 0) {
    warn(`${path}: was begun by version 0.1, whose lines carry no checksums: damage to them may go unnoticed.`);
  }
  return lines.map((line, index) => {
    const parsed = checked && !chain.add(line) ? null : parseLine(line);
    if (parsed !== null) return parsed;
    throw new FormatError("does not fit the run or the line before: it was damaged, moved, or another run's.", {
      where: `${path}:${index + 1}`,
      remedy: 'Copy this file, then remove this line and all after it to train on; or use another --out.',
    });
  });
}

/** Null for what is not a line of a log. */
function parseLine(text: string): LogLine | null {
  try {
    const { sum: _, ...line } = JSON.parse(text) as LogLine & { sum?: string };
    const whole = (line.type === 'step' || line.type === 'measured') && Number.isSafeInteger(line.step);
    return whole ? line : null;
  } catch {
    return null;
  }
}
