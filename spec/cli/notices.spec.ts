/**
 * What commands say beside their figures: nothing that is peculiar about a text or a model passes
 * without a word.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Outcome } from './command.ts';
import { inProcess } from './inProcess.ts';
import { configWith, model, TEXT } from './wrongInput.ts';

const NEWLINE = 10;
const SPACE = 32;
const E = 101;

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-notices-'));
afterAll(() => rmSync(folder, { recursive: true }));
const text = readFileSync(TEXT, 'utf8').slice(0, 256);
model({
  'config.json': configWith({ bos_token_id: NEWLINE, pad_token_id: E }),
  'generation_config.json': JSON.stringify({ eos_token_id: [SPACE], temperature: 0.7, top_p: 0.9 }),
})(folder);
for (const [name, content] of Object.entries({
  'lf.txt': text,
  'crlf.txt': text.replaceAll('\n', '\r\n'),
  'with-bos.txt': `\n${text}`,
  // The first chunk of 16 has no other target than the pad id, the last chunk none at all.
  'pad.json': JSON.stringify([...`${'e'.repeat(16)}the cat and dog.${'e'.repeat(16)}`].map((c) => c.charCodeAt(0))),
})) {
  writeFileSync(join(folder, name), content);
}

async function good(...args: string[]): Promise<Outcome> {
  const outcome = await inProcess(args, { cwd: folder });
  expect(outcome.code, outcome.stderr).toBe(0);
  return outcome;
}
const measure = (data: string, ...rest: string[]): Promise<Outcome> =>
  good('perplexity', 'model', '--data', data, '--chunk', '16', ...rest);
const json = ({ stdout }: Outcome): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

describe('perplexity', () => {
  it('warns of lines that end in CRLF, and of no others', async () => {
    const lines = text.split('\n').length - 1;
    const crlf = await measure('crlf.txt');
    expect(crlf.stderr).toContain(`warning: crlf.txt: ${lines} lines end in CRLF. The model reads each \\r as text`);
    expect((await measure('crlf.txt', '--quiet')).stderr).toContain('warning: crlf.txt:');
    expect(json(await measure('crlf.txt', '--json')).data).toMatchObject({ notes: [expect.stringContaining('CRLF')] });
    expect((await measure('lf.txt')).stderr).not.toContain('warning');
  });

  it('says that chunks were skipped, and how many', async () => {
    expect((await measure('pad.json')).stdout).toContain('2 chunks skipped (no target that counts)');
    expect(json(await measure('pad.json', '--json')).data).toMatchObject({ chunks: 1, skippedChunks: 2 });
    expect((await measure('lf.txt')).stdout).not.toContain('skipped');
  });

  it('has one label for one mean, with overlapping chunks, too', async () => {
    const options = ['lf.txt', '--stride', '4'] as const;
    const { ppl, nll, natsPerToken, bitsPerByte } = json(await measure(...options, '--json')) as Record<string, number>;
    // Each token is a byte here. Chunks count alike, however many targets of theirs are scored.
    expect(bitsPerByte).toBeCloseTo(natsPerToken / Math.LN2, 12);
    expect(ppl).toBeCloseTo(Math.exp(nll), 10);
    expect(Math.abs(nll - natsPerToken)).toBeGreaterThan(1e-4);
    const words = [
      `exp of ${nll.toFixed(5)}, the mean of chunk means`,
      `${natsPerToken.toFixed(5)} nats per token`,
      `${bitsPerByte.toFixed(4)} bits per byte`,
    ];
    expect((await measure(...options)).stdout).toContain(`(${words.join('; ')})`);
  });

  it('says that a text has a BOS of its own, and adds none', async () => {
    const twice = await measure('with-bos.txt', '--bos', 'stream');
    expect(twice.stdout).toContain('the data begin with one, so no second one was added');
    const figure = (outcome: Outcome): unknown => json(outcome).ppl;
    const added = await measure('lf.txt', '--bos', 'stream', '--json');
    expect(figure(await measure('with-bos.txt', '--bos', 'stream', '--json'))).toBe(figure(added));
  });
});

describe('generate', () => {
  const generate = (...rest: string[]): Promise<Outcome> =>
    good(
      'generate',
      'model',
      '--prompt',
      'the ',
      ...(rest.includes('--max-tokens') ? [] : ['--max-tokens', '8']),
      ...rest,
    );

  it("shows the authors' settings, and applies none but the end tokens", async () => {
    const { stderr, stdout } = await generate();
    expect(stdout.trim()).toBe('the the');
    expect(stderr).toContain('generation_config.json suggests temperature 0.7, top_p 0.9; not applied');
    expect(stderr).toContain('to follow it: --temperature 0.7 --top-p 0.9');
    expect(stderr).toContain(`stopped by: end token ${SPACE} of generation_config.json`);
  });

  it.each([
    [[], 'end token', SPACE],
    [['--max-tokens', '2'], 'max tokens', null],
    [['--stop', 'xx', '--stop', 'he'], 'stop string', null],
  ])('with %j says why the text ends', async (options, stoppedBy, endTokenId) => {
    const words = ['generate', 'model', '--prompt', 'the ', '--json', ...options];
    const document = json(await good(...words));
    expect(document).toMatchObject({ stoppedBy, endTokenId, sampling: { temperature: 0, topK: 0, topP: 1 } });
    const { ids, seconds, tokensPerSecond, stopString } = document as Record<string, number> & { ids: number[] };
    expect(tokensPerSecond).toBe(ids.length / seconds);
    expect(stopString).toBe(stoppedBy === 'stop string' ? 'he' : null);
  });

  it('ends the text before a stop string, and says which', async () => {
    const { stderr, stdout } = await generate('--stop', 'he');
    expect(stdout).toBe('the t\n');
    expect(stderr).toContain('3 tokens in ');
    expect(stderr).toContain('stopped by: stop string "he"');
    expect((await generate('--max-tokens', '2')).stderr).toContain('stopped by: --max-tokens 2');
    // A newline in a shell's words.
    const newline = await good('generate', 'model', '--prompt', 'a', '--stop', '\\n', '--json', '--max-tokens', '1');
    expect(json(newline).sampling).toMatchObject({ stop: ['\n'], maxTokens: 1 });
  });

  it('writes a message out by the chat template, and prints the answer alone', async () => {
    const template =
      '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}A: {% endif %}';
    const files = { 'tokenizer_config.json': JSON.stringify({ chat_template: template }) };
    const chatty = mkdtempSync(join(folder, 'chatty-'));
    model({ 'config.json': configWith({}), ...files })(chatty);
    const rest = ['--max-tokens', '4', '--prompt', 'the cat'];
    const chat = ['generate', join(chatty, 'model'), '--chat', ...rest];
    const written = 'system: Purr.\nuser: the cat\nA: ';
    const whole = json(
      await good('generate', join(chatty, 'model'), '--max-tokens', '4', '--prompt', written, '--json'),
    );
    const answer = json(await good(...chat, '--system', 'Purr.', '--json'));
    expect(answer).toMatchObject({
      prompt: 'the cat',
      chat: { system: 'Purr.', text: written },
      completion: whole.completion,
    });
    expect((await good(...chat, '--system', 'Purr.')).stdout).toBe(`${String(whole.completion)}\n`);
    expect(json(await good(...chat, '--json')).chat).toEqual({ system: null, text: 'user: the cat\nA: ' });
  });

  it('says that the context is full', async () => {
    const { stderr } = await good('generate', 'model', '--prompt', 'x'.repeat(255));
    expect(stderr).toContain('stopped by: a full context (256 tokens)');
  });
});
