/** Shows the model after so many steps: which blocks are gone by then, and what that comes to. */
import { all } from './elements.ts';

/** Makes the slider of the block picture work; nothing happens where there is none. */
export function slideSteps(): void {
  const slider = document.querySelector<HTMLInputElement>('#after');
  const output = document.querySelector<HTMLOutputElement>('#after-words');
  const sentences = all('#after-list li').map(({ textContent }) => textContent);
  if (slider === null || output === null) return;
  const frame = slider.closest<HTMLElement>('.slider');
  if (frame !== null) frame.hidden = false;
  const show = (): void => {
    const step = Number(slider.value);
    const words = sentences[step] ?? '';
    slider.setAttribute('aria-valuetext', words);
    output.textContent = words;
    for (const cell of all('#layers .gone')) cell.classList.toggle('later', stepOf(cell) > step);
    for (const drawing of all('#curve svg')) {
      for (const [index, point] of all('.point, .missing', drawing).entries())
        point.classList.toggle('at', index === step);
    }
    for (const [index, row] of all('.steps tbody tr').entries()) row.classList.toggle('at', index === step);
  };
  slider.addEventListener('input', show);
  // At the last step, as the page is without a script; a browser may remember another.
  slider.value = slider.max;
  output.textContent = sentences.at(-1) ?? '';
  slider.setAttribute('aria-valuetext', output.textContent);
}

function stepOf(cell: Element): number {
  return Number(cell.querySelector('text')?.textContent);
}
