/**
 * A strict reader of the markup that the report writes: every tag balanced, every attribute quoted,
 * no stray `<`, `>`, `"` or `&` (a style sheet may hold `>`, a script anything but its end). Far
 * stricter than a browser, so whatever a text smuggles in makes it throw.
 */

export interface Node {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Child elements and texts, entities decoded. */
  readonly children: (Node | string)[];
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};
const TOKEN =
  /<(?<name>[a-z][a-z0-9]*)(?<attributes>(?: [a-zA-Z][a-zA-Z0-9-]*="[^"<>]*")*)>|<\/(?<end>[a-z][a-z0-9]*)>|(?<text>(?<=<style>)[^<]+|(?<=<script[^<>]*>)[^]*?(?=<\/script>)|[^<>]+)/gy;

/**
 * Reads markup into a node whose children are the roots.
 * @throws Error at the first thing out of order.
 */
export function parseMarkup(markup: string): Node {
  const root: Node = { name: '', attributes: {}, children: [] };
  const open = [root];
  let position = 0;
  TOKEN.lastIndex = 0;
  while (position < markup.length) {
    const match = TOKEN.exec(markup);
    if (match === null) throw new Error(`not well-formed at ${position}: ${markup.slice(position, position + 60)}`);
    const { name, attributes, end, text } = match.groups ?? {};
    const parent = open[open.length - 1];
    if (text !== undefined) {
      parent.children.push(['style', 'script'].includes(parent.name) ? text : decode(text));
    } else if (end !== undefined) {
      if (open.length === 1 || parent.name !== end) throw new Error(`</${end}> closes <${parent.name}> at ${position}`);
      open.pop();
    } else {
      const node: Node = { name, attributes: readAttributes(attributes), children: [] };
      parent.children.push(node);
      if (name !== 'meta') open.push(node);
    }
    position = TOKEN.lastIndex;
  }
  if (open.length > 1) throw new Error(`<${open[open.length - 1].name}> is never closed`);
  return root;
}

/**
 * Reads a whole page.
 * @throws Error when it does not begin with the doctype or is not well-formed.
 */
export function parsePage(page: string): Node {
  const doctype = '<!doctype html>\n';
  if (!page.startsWith(doctype)) throw new Error('no doctype');
  return parseMarkup(page.slice(doctype.length));
}

/** All elements under `node`, in document order. */
export function elementsOf(node: Node): Node[] {
  return node.children.flatMap((child) => (typeof child === 'string' ? [] : [child, ...elementsOf(child)]));
}

/** Elements that carry the class. */
export function withClass(node: Node, className: string): Node[] {
  return elementsOf(node).filter(({ attributes }) => (attributes.class ?? '').split(' ').includes(className));
}

export function textOf(node: Node): string {
  return node.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');
}

/** Text of the first child element of that name. */
export function childText(node: Node, name: string): string | undefined {
  const child = elementsOf(node).find((element) => element.name === name);
  return child === undefined ? undefined : textOf(child);
}

function readAttributes(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/ ([a-zA-Z0-9-]+)="([^"]*)"/g)].map(([, key, value]) => [key, decode(value)]),
  );
}

function decode(text: string): string {
  return text.replaceAll(/&[^;&]*;?/g, (entity) => {
    const character = ENTITIES[entity];
    if (character === undefined) throw new Error(`a bare & or an unknown entity: ${entity.slice(0, 20)}`);
    return character;
  });
}
