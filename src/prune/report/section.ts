import { element, type Child, type Markup } from '../../drawing/html.ts';

/** The two containers that all parts of the page share. */

/**
 * A part of the page with its heading; `id` is a fixed word of this program, for links within the
 * page.
 */
export function section(id: string, heading: string, ...children: Child[]): Markup {
  return element(
    'section',
    { id, 'aria-labelledby': `${id}-heading` },
    element('h2', { id: `${id}-heading` }, heading),
    ...children,
  );
}

/** Something that may be wider than the page: it scrolls by itself, by keyboard too. */
export function scrollable(name: string, ...children: Child[]): Markup {
  return element('div', { class: 'scroll', role: 'group', tabindex: '0', 'aria-label': name }, ...children);
}
