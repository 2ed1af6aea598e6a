/**
 * Sets of code points, given by a test and kept as tables of 256 that are filled when first asked
 * for.
 */

export type CharTest = (codePoint: number) => boolean;

/** One past the last code point. */
const CODE_POINTS = 0x110000;

export class CharSet {
  /** By the upper bits of a code point: 256 flags each, or nothing yet. */
  readonly pages: (Uint8Array | undefined)[] = [];
  readonly test: CharTest;

  constructor(test: CharTest) {
    this.test = test;
  }

  /** The flags of 256 code points, the first of which is `page * 256`. */
  page(page: number): Uint8Array {
    const flags = Uint8Array.from({ length: 256 }, (_, low) => Number(this.test(page * 256 + low)));
    this.pages[page] = flags;
    return flags;
  }

  has(codePoint: number): boolean {
    const page = this.pages[codePoint >> 8] ?? this.page(codePoint >> 8);
    return page[codePoint & 255] === 1;
  }
}

/** The test of a pattern that JavaScript knows for one character, such as `\p{L}`. */
export function testOf(source: string): CharTest {
  const regex = new RegExp(`^(?:${source})$`, 'u');
  return (codePoint) => regex.test(String.fromCodePoint(codePoint));
}

const cased = new Map<string, number[]>();

/**
 * The code points that are the same letter as this one when case does not count, itself included:
 * Unicode's simple case folding, in which ſ is an s and K (the Kelvin sign) a k.
 */
export function sameLetter(codePoint: number): readonly number[] {
  if (cased.size === 0) {
    for (let other = 0; other < CODE_POINTS; other++) {
      const key = simpleFold(other);
      if (key === String.fromCodePoint(other) && key.toUpperCase() === key) continue;
      cased.set(key, [...(cased.get(key) ?? []), other]);
    }
  }
  return cased.get(simpleFold(codePoint)) ?? [codePoint];
}

function simpleFold(codePoint: number): string {
  const char = String.fromCodePoint(codePoint);
  // A dotless i is a letter of its own.
  if (codePoint === 0x131) return char;
  const upper = char.toUpperCase();
  const lower = (isOne(upper) ? upper : char).toLowerCase();
  return isOne(lower) ? lower : char;
}

/** What one letter becomes when case does not count, where that is several letters: ß is "ss". */
export function severalLetters(codePoint: number): string | null {
  const char = String.fromCodePoint(codePoint);
  const upper = char.toUpperCase();
  const folded = (isOne(upper) ? char : upper).toLowerCase();
  return isOne(folded) ? null : folded;
}

/**
 * Whether these letters, lower case, could be a single one when case does not count, as "ss" is ß.
 */
export function couldBeOneLetter(letters: string): boolean {
  if (!/\P{ASCII}/u.test(letters)) return /ss|st|ff|fi|fl/.test(letters);
  for (let codePoint = 0xdf; codePoint < 0xfb18; codePoint++) {
    const several = severalLetters(codePoint);
    if (several !== null && letters.includes(several)) return true;
  }
  return false;
}

function isOne(text: string): boolean {
  return text.length === 1 || (text.length === 2 && (text.codePointAt(0) ?? 0) > 0xffff);
}
