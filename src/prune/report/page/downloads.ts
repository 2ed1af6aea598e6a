/** Saves what the page shows: the document as JSON, its tables as CSV, its drawings as SVG. */
import { candidatesCsv, stepsCsv, type Saved } from './csv.ts';
import { all } from './elements.ts';
import { pictureOf } from './picture.ts';

/** Shows the buttons and makes them work. */
export function offerDownloads(): void {
  const text = document.querySelector('#result')?.textContent ?? null;
  if (text === null) return;
  const results = ([] as Saved[]).concat(JSON.parse(text) as Saved | Saved[]);
  const makers: Readonly<Record<string, () => [name: string, type: string, text: string]>> = {
    'save-json': () => ['result.json', 'application/json', `${text}\n`],
    'save-steps': () => ['steps.csv', 'text/csv', stepsCsv(results)],
    'save-candidates': () => ['candidates.csv', 'text/csv', candidatesCsv(results)],
  };
  for (const button of all<HTMLButtonElement>('button.save')) {
    const figure = button.closest('figure');
    const make =
      makers[button.id] ??
      (figure === null ? null : () => [`${button.id.replace('save-', '')}.svg`, 'image/svg+xml', pictureOf(figure)]);
    if (make === null) continue;
    button.hidden = false;
    const bar = button.closest<HTMLElement>('.saves');
    if (bar !== null) bar.hidden = false;
    button.addEventListener('click', () => save(...make()));
  }
}

function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
