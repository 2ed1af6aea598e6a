import { escapeControls } from '../errors.ts';

/** A message with its lines joined, and what steers a terminal in it written as an escape. */
export function oneLine(message: string): string {
  return escapeControls(message.trim().replaceAll(/\s*\n\s*/g, ' '));
}
