/**
 * The first key that one object of a JSON text holds twice, or null. JSON.parse keeps the last of
 * two such entries in silence, so one file would mean different things to different readers. One
 * pass over `text`, which is valid JSON.
 */
export function duplicateKey(text: string): string | null {
  /** Keys seen in each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  let previous = '';
  let at = 0;
  while (at < text.length) {
    const char = text[at];
    if (char === '"') {
      const end = stringEnd(text, at);
      const keys = open.at(-1);
      // In an object a string is a key just after '{' or ','.
      if (keys instanceof Set && (previous === '{' || previous === ',')) {
        const key = JSON.parse(text.slice(at, end)) as string;
        if (keys.has(key)) return key;
        keys.add(key);
      }
      previous = '"';
      at = end;
      continue;
    }
    if (char === '{') open.push(new Set());
    else if (char === '[') open.push(null);
    else if (char === '}' || char === ']') open.pop();
    if (char.trim() !== '') previous = char;
    at++;
  }
  return null;
}

/** Index just after the closing quote of the string that begins at `from`. */
function stringEnd(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
