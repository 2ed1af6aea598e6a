import { fileName } from '../eval/dataForm.ts';

/**
 * A model's name without the folders it lies in; one of the hub, `owner/name@commit`, is what it
 * is.
 */
export function documentName(name: string): string {
  return HUB_NAME.test(name) ? name : fileName(name.replace(/(?<=.)[/\\]+$/, ''));
}

const HUB_NAME = /^[\w-][\w.-]*\/[\w./-]+@[0-9a-f]{7}$/;
