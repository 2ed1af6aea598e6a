import { element, type Markup } from '../../drawing/html.ts';

/**
 * A text to take along, in a block of its own. The button is for the page's script: without one it
 * is not shown, and the text can be selected by a click all the same.
 * @param id a fixed word of this program.
 */
export function copyable(id: string, name: string, text: string): Markup {
  return element(
    'div',
    { class: 'take' },
    element(
      'p',
      {},
      element('span', { id: `${id}-name` }, name),
      element('button', { type: 'button', class: 'copy', hidden: 'hidden', 'aria-describedby': `${id}-name` }, 'Copy'),
    ),
    element('code', { id }, text),
  );
}
