import type { Completion } from '../model/completion.ts';
import type { Signal, TextRun } from './model.ts';
import { Running } from './running.ts';

/** A text as it is written; `start` gives the whole with its end. */
export function textRun(
  start: (emit: (piece: string) => void, signal: AbortSignal) => Promise<Completion>,
  signal?: Signal,
): TextRun {
  let whole: Completion | null = null;
  const text = new Running<string, string>(async (emit, ended) => {
    whole = await start(emit, ended);
    return whole.text;
  }, signal);
  const completion = async (): Promise<Completion> => {
    await text;
    if (whole === null) throw new Error('a text ended without an end');
    return whole;
  };
  return Object.assign(text, { completion });
}
