import { homedir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { hubSettings } from '../../../src/platform/hub/settings.ts';

const cacheOf = (env: Record<string, string>): string => hubSettings({}, env).cacheDir;

describe('hubSettings', () => {
  it('needs nothing', () => {
    expect(hubSettings({}, {})).toMatchObject({
      offline: false,
      revision: 'main',
      token: null,
      cacheDir: join(homedir(), '.cache/huggingface/hub'),
      endpoint: 'https://huggingface.co',
    });
  });

  it("takes Hugging Face's variables, the more particular first, and none that is empty", () => {
    expect(cacheOf({ XDG_CACHE_HOME: '/x' })).toBe('/x/huggingface/hub');
    expect(cacheOf({ XDG_CACHE_HOME: '/x', HF_HOME: '/h' })).toBe('/h/hub');
    expect(cacheOf({ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' })).toBe('/old');
    expect(cacheOf({ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/new' })).toBe('/new');
    expect(cacheOf({ HF_HOME: '', HF_HUB_CACHE: '' })).toBe(cacheOf({}));
    expect(hubSettings({}, { HF_TOKEN: ' hf_x\n' }).token).toBe('hf_x');
    expect(hubSettings({}, { HF_TOKEN: ' ' }).token).toBeNull();
    expect(hubSettings({}, { HF_ENDPOINT: 'http://mirror:80/hf//' }).endpoint).toBe('http://mirror:80/hf');
    expect(hubSettings({}, { HF_ENDPOINT: '' }).endpoint).toBe('https://huggingface.co');
  });

  it.each(['HF_HOME', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'XDG_CACHE_HOME'])(
    '%s may have ~ and variables in it',
    (name) => {
      const end = { HF_HOME: '/hub', XDG_CACHE_HOME: '/huggingface/hub' }[name] ?? '';
      const of = (value: string): string => cacheOf({ HOME: '/home/me', TOP: '/top', EMPTY: '', [name]: value });
      expect(of('~/models')).toBe(`/home/me/models${end}`);
      expect(of('~')).toBe(`/home/me${end}`);
      expect(of('$HOME/models')).toBe(`/home/me/models${end}`);
      expect(of('${HOME}/models')).toBe(`/home/me/models${end}`);
      expect(of('$TOP/${TOP}x$EMPTY')).toBe(`/top//topx${end}`.replace('//', end === '' ? '//' : '/'));
      // As Python's expandvars: what is not set stays.
      expect(of('/a$UNSET')).toBe(`/a$UNSET${end}`);
      expect(of('/a~b')).toBe(`/a~b${end}`);
      expect(() => of('~other/models')).toThrow(`${name}: begins with '~' and a name. Write the folder out.`);
    },
  );

  it.each([
    'http://me:secret@host',
    'https://secret@host/x',
    'ftp://me:secret@host',
    'me:secret@host',
    '//me:secret@host',
    'http://me:sec@ret@',
  ])('refuses the endpoint %s and does not print its password', (endpoint) => {
    const failure = ((): unknown => {
      try {
        return hubSettings({}, { HF_ENDPOINT: endpoint });
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toBeInstanceOf(UsageError);
    expect(String(failure)).toMatch(/HF_ENDPOINT/);
    expect(String(failure)).not.toMatch(/sec|ret@/);
  });

  it('an option stands above the environment', () => {
    const env = { HF_TOKEN: 'hf_env', HF_HUB_CACHE: '/env', HF_ENDPOINT: 'http://env', HF_HUB_OFFLINE: '1' };
    const options = { token: 'hf_o', cacheDir: '/o', endpoint: 'http://o', offline: false, revision: 'v1' };
    expect(hubSettings(options, env)).toMatchObject(options);
    expect(hubSettings({}, env)).toMatchObject({ token: 'hf_env', offline: true });
  });

  it.each(['1', 'true', 'YES', 'on'])('HF_HUB_OFFLINE=%s means offline', (value) => {
    expect(hubSettings({}, { HF_HUB_OFFLINE: value }).offline).toBe(true);
  });
  it.each(['', '0', 'false', 'no', '10'])('HF_HUB_OFFLINE=%s does not', (value) => {
    expect(hubSettings({}, { HF_HUB_OFFLINE: value }).offline).toBe(false);
  });

  it.each(['huggingface.co', 'ftp://x', 'file:///etc', '//x', 'http://'])('refuses the endpoint %s', (endpoint) => {
    expect(() => hubSettings({ endpoint }, {})).toThrow(UsageError);
    expect(() => hubSettings({}, { HF_ENDPOINT: endpoint })).toThrow(UsageError);
  });

  it.each(['main', 'v1.0-rc_2', 'refs/pr/12', 'feature/x', 'a'.repeat(40)])('takes the revision %s', (revision) => {
    expect(hubSettings({ revision }, {}).revision).toBe(revision);
  });

  test.prop([fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\w./\\-]{0,20}$/))], { numRuns: 500 })(
    'a revision is refused or a path that stays below refs/',
    (revision) => {
      try {
        expect(join('/refs', hubSettings({ revision }, {}).revision)).toBe(`/refs/${revision}`);
        expect(revision).not.toMatch(/\p{Cc}|\\|^\//u);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
    },
  );
});
