/**
 * HTML and SVG as nested calls. Text is escaped because it is text: only `element` and `verbatim`
 * make markup, so a model name or a sample can never become a tag, and tags are balanced by
 * construction.
 */

/** Finished markup. A plain string handed to `element` is text, never markup. */
export interface Markup {
  readonly markup: string;
}

/** What an element may hold; null is nothing, which keeps conditions inline. */
export type Child = Markup | string | null | readonly Child[];

/**
 * Numbers are coordinates: finite, written with at most two decimals. Undefined leaves the
 * attribute out.
 */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** C0 and C1 controls that HTML forbids even as character references; tab and line feed stay. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Text that is safe both between tags and inside a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(FORBIDDEN, '\uFFFD').replaceAll(/[&<>"']/g, (character) => ENTITIES[character]);
}

/**
 * `<name key="value">children</name>`. Elements without children get an end tag too, except `meta`,
 * which HTML forbids one.
 * @throws RangeError for a coordinate that is not finite: that is a bug in a drawing, and a picture
 * must not hide it.
 */
export function element(name: string, attributes: Attributes = {}, ...children: Child[]): Markup {
  const opening = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? coordinate(value) : escapeHtml(String(value))}"`)
    .join('');
  if (name === 'meta') return { markup: `<meta${opening}>` };
  return { markup: `<${name}${opening}>${joinChildren(children)}</${name}>` };
}

/** Markup written by hand in this program (style sheets); never data. */
export function verbatim(markup: string): Markup {
  return { markup };
}

/**
 * Data that a page carries along for its script, as JSON in which nothing can end the element. It
 * is not run.
 */
export function embedded(id: string, value: unknown): Markup {
  const json = JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return element('script', { type: 'application/json', id }, verbatim(json));
}

/**
 * A coordinate or length in SVG units, rounded to hundredths.
 * @throws RangeError when it is not finite.
 */
export function coordinate(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`a coordinate must be finite, not ${value}.`);
  return String(Math.round(value * 100) / 100);
}

function joinChildren(children: readonly Child[]): string {
  return children.map(childMarkup).join('');
}

function childMarkup(child: Child): string {
  if (child === null) return '';
  if (typeof child === 'string') return escapeHtml(child);
  return 'markup' in child ? child.markup : joinChildren(child);
}
