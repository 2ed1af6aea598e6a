/** A figure's drawings as one SVG file that needs no style sheet. */
import { all, shape } from './elements.ts';

/** What a drawing takes from the style sheet, as attributes that every program knows. */
const PROPERTIES = [
  'fill',
  'fill-opacity',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'paint-order',
  'font-size',
  'font-weight',
];

/** All drawings of the figure that are shown, placed and coloured as they are on the page. */
export function pictureOf(figure: Element): string {
  const shown = all<SVGSVGElement>('svg', figure).filter((svg) => svg.getBoundingClientRect().width > 0);
  const boxes = shown.map((svg) => svg.getBoundingClientRect());
  const margin = 12;
  const left = Math.min(...boxes.map((box) => box.left)) - margin;
  const top = Math.min(...boxes.map((box) => box.top)) - margin;
  const width = Math.max(...boxes.map((box) => box.right)) + margin - left;
  const height = Math.max(...boxes.map((box) => box.bottom)) + margin - top;
  const page = shape('svg', { viewBox: `0 0 ${width} ${height}`, width: String(width), height: String(height) });
  page.setAttribute('font-family', 'system-ui, sans-serif');
  const ground = getComputedStyle(document.body).backgroundColor;
  page.append(shape('rect', { width: '100%', height: '100%', fill: ground }));
  for (const [index, svg] of shown.entries()) {
    const copy = painted(svg);
    const { x, y, width: wide, height: high } = boxes[index];
    for (const [key, value] of Object.entries({ x: x - left, y: y - top, width: wide, height: high })) {
      copy.setAttribute(key, String(value));
    }
    page.append(copy);
  }
  return `${new XMLSerializer().serializeToString(page)}\n`;
}

/** A copy with its style as attributes, without what is for reading on the page. */
function painted(svg: SVGSVGElement): SVGElement {
  const copy = svg.cloneNode(true) as SVGElement;
  const originals = all('*', svg);
  for (const [index, element] of all<SVGElement>('*', copy).entries()) {
    if (!['rect', 'path', 'circle', 'line', 'text'].includes(element.tagName)) continue;
    const style = getComputedStyle(originals[index]);
    const own = element.tagName === 'rect' ? ['width', 'height', ...PROPERTIES] : PROPERTIES;
    for (const property of own) element.setAttribute(property, style.getPropertyValue(property));
  }
  for (const element of [copy, ...all('*', copy)]) {
    for (const name of element.getAttributeNames()) {
      if (/^(?:class|role|tabindex|id)$|^aria-/.test(name)) element.removeAttribute(name);
    }
  }
  for (const ring of all('[visibility="hidden"]', copy)) ring.remove();
  return copy;
}
