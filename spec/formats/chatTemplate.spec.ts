/** Chats written out by a model's template; the texts are those of Jinja itself (jinja2 3.1.6). */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DataError, FormatError } from '../../src/errors.ts';
import { readTokens } from '../../src/eval/tokenData.ts';
import { chatPrompt, chatRenderer, folderChatTemplate, templateOf } from '../../src/formats/chatTemplate.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { encodeChat } from '../../src/model/completion.ts';
import { openFolder } from '../../src/platform/nodeModelFolder.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { sharedPath } from '../shared.ts';

const SMOLLM2 = 'models/smollm2-135m-instruct-q4_1.gguf';
const folder = mkdtempSync(join(tmpdir(), 'blockpruner-chats-'));
afterAll(() => rmSync(folder, { recursive: true }));
const tokenizer = byteTokenizer({ bos: '<s>', eos: '</s>' }, 'bytes');

const templates = {
  chatml:
    "{% for message in messages %}\n    {% if loop.first and message.role != 'system' %}\n{{ '<|im_start|>system\\nYou help.<|im_end|>\\n' }}\n    {% endif %}\n{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>' + '\\n' }}\n{% endfor %}\n{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
  turns:
    "{{ bos_token }}{% set ns = namespace(n=0) %}{%- for m in messages -%}{%- if m.role == 'system' -%}{{ raise_exception('no system role') }}{%- elif (m.role == 'user') != (loop.index0 % 2 == 0) -%}{{ raise_exception('roles must alternate') }}{%- endif -%}{% set ns.n = ns.n + 1 %}[{{ m.role | upper }} {{ ns.n }}] {{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{%- endfor -%}{% if tools is not none %} tools{% endif %}",
  dated:
    "{% if not date_string is defined %}{% if strftime_now is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% else %}{% set date_string = '26 Jul 2024' %}{% endif %}{% endif %}Today: {{ date_string }}\n{% for i in range(messages | length) %}{{ i }}: {{ messages[i].content }}\n{% endfor %}",
};
const chat = [
  { role: 'user', content: ' Who wrote "Hamlet"? ' },
  { role: 'assistant', content: 'Shakespeare did.' },
];
const rendererOf = (template: string | null): ReturnType<typeof chatRenderer> =>
  chatRenderer({ tokenizer, chatTemplate: () => Promise.resolve(template) });

describe('a chat', () => {
  it.each<[keyof typeof templates, string]>([
    [
      'chatml',
      '<|im_start|>system\nYou help.<|im_end|>\n\n<|im_start|>user\nWho wrote "Hamlet"?<|im_end|>\n\n' +
        '<|im_start|>assistant\nShakespeare did.<|im_end|>\n\n',
    ],
    ['turns', '<s>[USER 1]  Who wrote "Hamlet"? [ASSISTANT 2] Shakespeare did.</s>'],
    ['dated', 'Today: 26 Jul 2024\n0:  Who wrote "Hamlet"? \n1: Shakespeare did.\n'],
  ])('by the template %s is the text that Jinja gives', async (name, text) => {
    expect(await rendererOf(templates[name])(chat, 'x.jsonl:1')).toBe(text);
  });

  it.each<[string, string | null, RegExp]>([
    ['no template', null, /^x\.jsonl:3: is a chat, and the model has no chat template\. Write each chat as one text/],
    [
      'a template that refuses it',
      templates.turns,
      /^x\.jsonl:3: the model's chat template refuses.*'roles must alternate'/,
    ],
    ['a template that asks for the time', "{{ strftime_now('%Y') }}", /^x\.jsonl:3: the model's chat template refuses/],
    ['a template that is not Jinja', '{% for %}', /chat template cannot be read/],
  ])('with %s is refused in one line', async (_, template, message) => {
    const failed = rendererOf(template)([{ role: 'assistant', content: 'a' }], 'x.jsonl:3');
    await expect(failed).rejects.toThrow(DataError);
    await expect(failed).rejects.toThrow(message);
  });
});

describe('a prompt for an answer', () => {
  const user = 'Who wrote "Hamlet"?';
  const promptOf = (template: string | null, system: string | null = null): Promise<string> =>
    chatPrompt({ tokenizer, chatTemplate: () => Promise.resolve(template) }, user, system);
  const asked = `<|im_start|>user\n${user}<|im_end|>\n`;

  it.each<[keyof typeof templates, string | null, string]>([
    ['chatml', null, `<|im_start|>system\nYou help.<|im_end|>\n\n${asked}\n<|im_start|>assistant\n`],
    ['chatml', 'Be brief.', `<|im_start|>system\nBe brief.<|im_end|>\n\n${asked}\n<|im_start|>assistant\n`],
    ['turns', null, `<s>[USER 1] ${user}`],
  ])('by the template %s, with the system message %j, is what Jinja gives', async (name, system, text) => {
    expect(await promptOf(templates[name], system)).toBe(text);
  });

  it.each<[string, string | null, string | null, RegExp]>([
    ['no template', null, null, /^--chat: the model has no chat template\. Leave --chat out, or take a model/],
    [
      'a template that has no system message',
      templates.turns,
      'Be brief.',
      /^--chat: the model's chat template refuses this chat: .*'no system role'.*Leave --system out\.$/s,
    ],
    ['a template that is not Jinja', '{% for %}', null, /chat template cannot be read.*Leave --chat out\.$/],
  ])('with %s is refused in one line', async (_, template, system, message) => {
    const failed = promptOf(template, system);
    await expect(failed).rejects.toThrow(DataError);
    await expect(failed).rejects.toThrow(message);
  });

  it.skipIf(!existsSync(sharedPath(SMOLLM2)))(
    'by the template in the GGUF file of SmolLM2 is what Jinja gives',
    async () => {
      const opened = await openModel(sharedPath(SMOLLM2), {});
      const own = 'You are a helpful AI assistant named SmolLM, trained by Hugging Face';
      for (const system of [null, 'Be brief.']) {
        const text = await chatPrompt(opened, user, system);
        expect(text).toBe(`<|im_start|>system\n${system ?? own}<|im_end|>\n${asked}<|im_start|>assistant\n`);
        // Each <|im_start|> is one token, and no BOS is added: the template begins with the token.
        const { ids, bos } = encodeChat(opened.tokenizer ?? tokenizer, text);
        expect(ids.filter((id) => id === 1)).toHaveLength(3);
        expect(bos).toBe('in the text');
      }
      await opened.close();
    },
  );

  it.each([
    ['<s>a', [256, 97], 'in the text'],
    ['a', [97], 'none'],
    ['', [], 'none'],
  ])('%j gets no BOS but the template’s, also where the tokenizer adds one', (text, ids, bos) => {
    expect(tokenizer.addsBos).toBe(true);
    expect(encodeChat(tokenizer, text)).toEqual({ ids, bos });
  });
});

describe('a template', () => {
  const inFolder = async (files: Readonly<Record<string, string>>): Promise<string | null> => {
    const own = mkdtempSync(join(folder, 'model-'));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(own, name), content);
    return folderChatTemplate(await openFolder(own));
  };
  const configOf = (value: unknown): string => JSON.stringify({ chat_template: value });

  it('is read from its own file first, then from tokenizer_config.json', async () => {
    const config = configOf('of the config');
    expect(await inFolder({ 'chat_template.jinja': 'its own', 'tokenizer_config.json': config })).toBe('its own');
    expect(await inFolder({ 'tokenizer_config.json': config })).toBe('of the config');
    expect(await inFolder({ 'tokenizer_config.json': '{}' })).toBeNull();
    expect(await inFolder({})).toBeNull();
    const named = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'plain' },
    ];
    expect(await inFolder({ 'tokenizer_config.json': configOf(named) })).toBe('plain');
  });

  it('of another kind is refused', async () => {
    for (const value of [7, {}, [], [{ name: 'tool_use', template: 'a' }], [null]]) {
      expect(() => templateOf(value, 'model'), JSON.stringify(value)).toThrow(FormatError);
    }
    await expect(inFolder({ 'chat_template.jinja': 'x'.repeat((1 << 20) + 1) })).rejects.toThrow(/too large/);
  });
});

describe('data that hold chats', () => {
  const older = [
    { from: 'human', value: chat[0].content },
    { from: 'gpt', value: chat[1].content },
  ];
  it.each([
    [
      'rows of a .jsonl',
      'a.jsonl',
      `${JSON.stringify({ messages: chat })}\n${JSON.stringify({ conversations: older })}`,
      2,
    ],
    ['a named field', 'a.jsonl', JSON.stringify({ deep: { turns: older } }), 1],
    ['rows of a .json', 'a.json', JSON.stringify([{ id: 1, messages: chat }]), 1],
    ['an array of chats', 'a.json', JSON.stringify([chat, older]), 2],
    ['an array of the messages of one', 'a.json', JSON.stringify(chat, null, 1), 1],
  ])('as %s are written out, and the notes say so', async (_, name, content, count) => {
    const renderChat = rendererOf(templates.turns);
    const pieces = content.match(/[\s\S]{1,9}/g) ?? [];
    const field = content.includes('deep') ? 'deep.turns' : undefined;
    const read = await readTokens([{ name, pieces, field }], () => tokenizer, { join: '|', renderChat });
    const text = await renderChat(chat, '');
    expect([...read.ids]).toEqual(tokenizer.encode(Array.from({ length: count }, () => text).join('|')));
    expect(read.notes).toEqual([
      `${count === 1 ? '1 chat was' : `${count} chats were`} written out by the model's chat template.`,
    ]);
  });

  it.each<[unknown, RegExp]>([
    [{ messages: [] }, /^a\.jsonl:1: the chat has no messages/],
    [{ messages: [{ role: 'user' }] }, /message 1 is an object without a role and a content/],
    [{ messages: [chat[0], { role: 'user', content: null }] }, /message 2 holds null; only messages of text/],
    [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, /message 1 holds an array of 1/],
    [{ messages: [{ role: 'user', content: '', tool_calls: [] }] }, /message 1 has 'tool_calls'/],
    [{ messages: [{ role: 7, content: 'a' }] }, /the role of message 1 is the number 7/],
    [
      { conversations: [{ from: 'narrator', value: 'a' }] },
      /message 1 is from 'narrator', which is nobody known.*human/,
    ],
  ])('%j is refused, with its line', async (row, message) => {
    const files = [{ name: 'a.jsonl', pieces: [JSON.stringify(row)] }];
    const failed = readTokens(files, () => tokenizer, { join: '', renderChat: rendererOf(templates.chatml) });
    await expect(failed).rejects.toThrow(DataError);
    await expect(failed).rejects.toThrow(message);
  });
});
