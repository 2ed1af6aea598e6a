/**
 * Texts on which tokenizers differ: spaces, digits, letters outside ASCII, and what looks like a
 * special token.
 */
import * as fc from 'fast-check';

export const trickyTexts: readonly string[] = [
  '',
  ' ',
  '  ',
  '     five',
  'Hello world',
  ' leading',
  '  two leading and   three inner',
  'trailing   ',
  '\t',
  '\tone\t\ttwo \t three',
  '\n',
  '\n\n\n',
  'line\nline\r\nline\n \n  \n\tend',
  ' \n \r\n',
  '1',
  '12',
  '123 1234 12345 123456',
  '1234567 12345678 123456789',
  '1234567890 12345678901 123456789012',
  '3.14159, 2026-11-24; 1/2 ½ ² ٣٤٥ ४२ Ⅻ',
  "it's we'll I'D DON'T they'Ve 're '’s",
  'caf\u00e9 na\u00efve',
  'cafe\u0301 nai\u0308ve \u1100\u1161\u11a8',
  '你好,世界。吾輩は猫である ひらがな 한국어',
  '👩‍👩‍👧‍👦 🏳️‍🌈 🙂🙂 👍🏽',
  // Words that are tokens of Llama 3 though its merges do not make them.
  'a việc hợp nhiều điều jeho ایران',
  'שלום עולם, مرحبا بالعالم',
  '<s>hi</s> <unk> <|endoftext|><|im_start|>user\n<|begin_of_text|>',
  '<think>no</think><tool_call>',
  '<0x41><0xFF> ▁low▁line ▁',
  '\u0000\u0001\u0007\u001b[0m\u007f\u0085\u00a0',
  'a\ufeffb \ufeff\u200b\u200d\u2028\u3000c',
  '\ufeff',
  'x'.repeat(300),
  'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
  'def f(x):\n\treturn x**2  # comment\n\n\n',
  'https://example.org/?q=a%20b&c=1#top',
  '!!!???...———"quoted" (nested [brackets {here}])',
  '\u{10ffff}\u{e000}\ufffd',
];

/** Any well-formed text, often made of the pieces above that are hard. */
export const someText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.string({ unit: fc.constantFrom(' ', '\n', '\t', '\r', 'a', 'B', '7', "'", 's', '.', '▁', '<', '>') }),
      fc.constantFrom(...trickyTexts),
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''));
