/** A model's chat template, in Jinja: where its files keep it, and a chat written out by it. */
import { DataError, FormatError } from '../errors.ts';
import type { Folder } from '../platform/folder.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { readJson } from './jsonFile.ts';
import { quoted } from './quoted.ts';

/** As newer versions of transformers write it. */
export const CHAT_TEMPLATE = 'chat_template.jinja';
const LARGEST = 1 << 20;

/** The messages of one conversation. */
type Chat = readonly { readonly role: string; readonly content: string }[];

/** What is asked for of an opened model. */
interface Templated {
  readonly tokenizer: Tokenizer | null;
  readonly chatTemplate: () => Promise<string | null>;
}

/**
 * The template of a model folder: chat_template.jinja, else that of tokenizer_config.json, of
 * several the one called `default`. Null where there is none.
 * @throws FormatError for one that is not text.
 */
export async function folderChatTemplate(folder: Folder): Promise<string | null> {
  if (folder.files.has(CHAT_TEMPLATE)) {
    const source = await folder.open(CHAT_TEMPLATE);
    try {
      const where = `${folder.name}: ${CHAT_TEMPLATE}`;
      if (source.size > LARGEST) throw new FormatError('is too large for a chat template.', { where });
      return new TextDecoder().decode(await source.read(0, source.size));
    } finally {
      await source.close();
    }
  }
  if (!folder.files.has('tokenizer_config.json')) return null;
  const config = (await readJson(folder, 'tokenizer_config.json')) as { chat_template?: unknown } | null;
  return templateOf(config?.chat_template ?? null, `${folder.name}: tokenizer_config.json`);
}

/** @throws FormatError for what is neither a template nor a list of named ones. */
export function templateOf(value: unknown, where: string): string | null {
  if (value === null || value === undefined || typeof value === 'string') return value ?? null;
  if (Array.isArray(value)) {
    const named = value as readonly ({ name?: unknown; template?: unknown } | null)[];
    const found = named.find((one) => one?.name === 'default')?.template;
    if (typeof found === 'string') return found;
  }
  throw new FormatError("'chat_template' is not a template, nor a list with one called 'default'.", { where });
}

/**
 * Writes chats out as the model's authors do, without a prompt for an answer at the end. The time
 * of day is not given to the template: the same chat is always the same text.
 * @returns a function that throws DataError, with `where`, for a model without a template, and for
 * a chat that the template refuses.
 */
export function chatRenderer(model: Templated): (chat: Chat, where: string) => Promise<string> {
  let opened: Promise<((chat: Chat) => string) | null> | null = null;
  return async (chat, where) => {
    opened ??= compiled(model, { answer: false, remedy: 'Write each chat as one text.' });
    const render = await opened;
    if (render === null) {
      throw new DataError('is a chat, and the model has no chat template.', {
        where,
        remedy: 'Write each chat as one text, or take a model that has a template.',
      });
    }
    return rendered(render, chat, where, 'Leave the row out, or write it as one text.');
  };
}

/**
 * One user's message as the model's authors put it to the model, up to where the answer begins.
 * @param system what a system's message says, if anything.
 * @throws DataError for a model without a template, and where the template refuses the messages.
 */
export async function chatPrompt(model: Templated, user: string, system: string | null): Promise<string> {
  const where = '--chat';
  const render = await compiled(model, { answer: true, remedy: 'Leave --chat out.' });
  if (render === null) {
    throw new DataError('the model has no chat template.', {
      where,
      remedy: 'Leave --chat out, or take a model that was tuned for chats.',
    });
  }
  const before = system === null ? [] : [{ role: 'system', content: system }];
  const remedy = system === null ? 'Leave --chat out.' : 'Leave --system out.';
  return rendered(render, [...before, { role: 'user', content: user }], where, remedy);
}

/** @throws DataError for a chat that the template refuses. */
function rendered(render: (chat: Chat) => string, chat: Chat, where: string, remedy: string): string {
  try {
    return render(chat);
  } catch (cause) {
    throw new DataError(`the model's chat template refuses this chat: ${words(cause)}`, { where, remedy, cause });
  }
}

/** @param answer whether the text ends with the prompt for an answer. */
async function compiled(
  { chatTemplate, tokenizer }: Templated,
  { answer, remedy }: { answer: boolean; remedy: string },
): Promise<((chat: Chat) => string) | null> {
  const source = await chatTemplate();
  if (source === null) return null;
  const { Environment, Interpreter, Template } = await import('@huggingface/jinja');
  let parsed: unknown;
  try {
    ({ parsed } = new Template(source));
  } catch (cause) {
    throw new DataError(`the model's chat template cannot be read: ${words(cause)}`, {
      remedy,
      cause,
    });
  }
  const token = (id: number | null | undefined): string => {
    return id === null || id === undefined ? '' : (tokenizer?.decode([id], { keepSpecial: true }) ?? '');
  };
  const known = {
    bos_token: token(tokenizer?.bosTokenId),
    eos_token: token(tokenizer?.eosTokenId),
    add_generation_prompt: answer,
    tools: null,
    documents: null,
  };
  return (chat) => {
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...globals, ...known, messages: chat })) environment.set(name, value);
    return new Interpreter(environment).run(parsed).value;
  };
}

/**
 * What every template may name, but for `strftime_now`: templates that ask whether it is there then
 * write the date they were made with, not today's.
 */
const globals = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception(message: unknown): never {
    throw new Error(String(message));
  },
  range(start: number, stop?: number, step: number = 1): number[] {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    if (step === 0) throw new Error('range() with a step of 0');
    return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, index) => from + index * step);
  },
};

function words(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return `${quoted(text, 200)}.`;
}
