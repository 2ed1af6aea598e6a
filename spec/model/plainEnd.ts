/** What stop strings make of a text that is there as a whole: the plain twin of StopStrings. */
export interface Ended {
  text: string;
  stop: string | null;
}

/** The rule, character by character. */
export function plainEnd(text: string, stops: readonly string[]): Ended {
  const longestFirst = stops.toSorted((a, b) => b.length - a.length);
  for (let end = 1; end <= text.length; end++) {
    const stop = longestFirst.find((one) => text.slice(0, end).endsWith(one));
    if (stop !== undefined) return { text: text.slice(0, end - stop.length), stop };
  }
  return { text, stop: null };
}
