/** Buttons that copy a text: by the clipboard where the browser allows it, else by a selection. */
import { all } from './elements.ts';

/** Shows the buttons and makes them work. */
export function offerCopies(): void {
  for (const button of all<HTMLButtonElement>('button.copy')) {
    const text = button.closest('.take')?.querySelector('code');
    if (text === null || text === undefined) continue;
    button.hidden = false;
    const name = button.textContent;
    let timer: ReturnType<typeof setTimeout> | undefined;
    button.addEventListener('click', async () => {
      button.textContent = (await copied(text)) ? 'Copied' : 'Selected: press Ctrl+C';
      clearTimeout(timer);
      timer = setTimeout(() => (button.textContent = name), 4000);
    });
  }
}

/** @returns false where the text is selected and no more. */
async function copied(text: Element): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text.textContent);
    return true;
  } catch {
    // A page from a file may not be allowed to.
    getSelection()?.selectAllChildren(text);
    return document.execCommand('copy');
  }
}
