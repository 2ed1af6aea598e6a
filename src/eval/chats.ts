/** Chats as data sets hold them: messages with a role and a text. */
import { DataError } from '../errors.ts';
import { isObject, kindOf, named } from './jsonWords.ts';

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** A conversation, in order. */
export type Chat = readonly ChatMessage[];

/** The fields in which rows keep their chat. */
export const CHAT_FIELDS = ['messages', 'conversations'] as const;

/** Who speaks, in the older form that says `from` and `value` (ShareGPT's). */
const speakers: Readonly<Record<string, string>> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  chatgpt: 'assistant',
  assistant: 'assistant',
  system: 'system',
};

/** Whether a value looks like one message of a chat, in either form. */
export function isMessage(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false;
  return (Object.hasOwn(value, 'role') && Object.hasOwn(value, 'content')) || isOlder(value);
}

function isOlder(value: Record<string, unknown>): boolean {
  return Object.hasOwn(value, 'from') && Object.hasOwn(value, 'value');
}

/**
 * The messages of a chat: `{"role", "content"}`, or `{"from", "value"}` with who speaks renamed.
 * @throws DataError for what is not a message of text, saying which one.
 */
export function chatOf(where: string, messages: readonly unknown[]): Chat {
  if (messages.length === 0) throw new DataError('the chat has no messages.', { where, remedy: 'Leave the row out.' });
  return messages.map((message, index) => {
    const which = `message ${index + 1}`;
    if (!isMessage(message)) {
      throw new DataError(`${which} is ${kindOf(message)} without a role and a content.`, {
        where,
        remedy: 'Write messages as {"role": "user", "content": "…"}.',
      });
    }
    const older = isOlder(message) && !Object.hasOwn(message, 'role');
    const [role, content] = older ? [message.from, message.value] : [message.role, message.content];
    const unread = Object.keys(message).find((key) => /^(?:tool_calls?|function_call|tool_call_id)$/.test(key));
    if (typeof content !== 'string' || (unread !== undefined && message[unread] !== null)) {
      const what = typeof content === 'string' ? `has ${named(unread ?? '')}` : `holds ${kindOf(content)}`;
      throw new DataError(`${which} ${what}; only messages of text are read.`, {
        where,
        remedy: 'Leave the row out, or write it as one text.',
      });
    }
    if (typeof role !== 'string') throw new DataError(`the role of ${which} is ${kindOf(role)}, not text.`, { where });
    if (!older) return { role, content };
    if (Object.hasOwn(speakers, role)) return { role: speakers[role], content };
    throw new DataError(`${which} is from ${named(role)}, which is nobody known.`, {
      where,
      remedy: `Write one of ${Object.keys(speakers).join(', ')} after "from".`,
    });
  });
}
