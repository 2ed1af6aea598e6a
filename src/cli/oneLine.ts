import { escapeControls } from '../errors.ts';

/** A message with its lines joined, and what steers a terminal in it written as an escape. */
export function oneLine(message: string): string {
  return escapeControls(message.trim().replaceAll(/\s*\n\s*/g, ' '));
}

/**
 * Text of several lines in which what steers a terminal is written as an escape: names may come out
 * of files.
 */
export function printable(text: string): string {
  return text.split('\n').map(escapeControls).join('\n');
}
