/** How byte-level vocabularies spell bytes: one character each (GPT-2). */

/** The character of each byte: printable ones themselves, the others from U+0100 on. */
export const byteSymbols: readonly string[] = symbols();

const byteOf: ReadonlyMap<string, number> = new Map(byteSymbols.map((symbol, byte) => [symbol, byte]));

const utf8 = new TextEncoder();

function symbols(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}

/** The UTF-8 bytes of a text, spelled. */
export function byteSymbolsOf(text: string): string {
  let spelled = '';
  for (const byte of utf8.encode(text)) spelled += byteSymbols[byte];
  return spelled;
}

/**
 * The bytes that a token spells; those of its own UTF-8 where one of its characters spells none.
 */
export function bytesOfSymbols(token: string): Iterable<number> {
  const bytes = Array.from(token, (symbol) => byteOf.get(symbol));
  return bytes.every((byte) => byte !== undefined) ? bytes : utf8.encode(token);
}
