import { element, type Markup } from '../../drawing/html.ts';

/** Buttons that save: the page's script shows them and knows by its id what each saves. */
export function saves(...buttons: (readonly [id: string, words: string])[]): Markup {
  return element(
    'p',
    { class: 'saves', hidden: 'hidden' },
    'Save ',
    buttons.map(([id, words]) => element('button', { type: 'button', class: 'save', id, hidden: 'hidden' }, words)),
  );
}
