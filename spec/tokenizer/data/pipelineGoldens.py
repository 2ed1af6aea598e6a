"""
Makes pipelineGoldens.json.gz: random settings of tokenizer.json over small byte-pair vocabularies, and texts that are
hard, with the ids and decoded texts of python tokenizers (0.23.3 for the file that is here):

  pip install 'tokenizers==0.23.3'
  RUST_BACKTRACE=0 python pipelineGoldens.py 2026 420 pipelineGoldens.json.gz

Settings and texts at which python itself panics are left out.
"""
import random, json, sys, gzip, os
sys.stderr = open(os.devnull, 'w')
import tokenizers
from tokenizers import Tokenizer
R = random.Random(int(sys.argv[1])); WANT = int(sys.argv[2]); OUT = sys.argv[3]

def byte_symbols():
    n = 256; out = []
    for b in range(256):
        if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174: out.append(chr(b))
        else: out.append(chr(n)); n += 1
    return out
SYM = byte_symbols()
PIECES = [' ', '\u00a0', '\u3000', '\u2009', '\u0085', '\ufeff', '\u200b', '\t', '\n', '\r\n', '\r', '\v', '  ', '   ', 'a', 'b', 'ab', 'A', 'B', 'é', 'e\u0301', 'Å', 'ﬁ', 'İ', 'Σ', 'ΣΑΣ', 'ß', 'ſ', '漢字', 'か', '한', '\u1112\u1161', '👩‍👩‍👧', '👍🏽', '🏳️‍🌈', '1', '12', '１', '²', '½', '٣', '1234', "'s", "'LL", "'", '.', ',', '!?', '-', '_', '<p>', '<s>', '</s>', '<x>', '<P>', '[u]', '▁', '▁a', '<0x41>', '$1', '\u0000', '\u0301', '\u200d', 'ab ab', 'word', 'naïve', '\u2028', '\U0001d54f', '—', '$', '+']
FIXED = ['', ' ', 'a', ' a', '<p><p>', '<p> <p>', 'a1b', 'a \ufeffa', 'a \u0085a', 'naïve', 'a  \n  a', '\r\n\r\n a\r\n', '\ufeffa b', '<s>a</s>', ' <s> a </s> ', 'a<x>b', 'a <x> b', '<P><p><x><s>', 'e\u0301 é ﬁ²½', 'ΣΑΣ ΟΔΟΣ İ', '   a   b   ', '👩‍👩‍👧 👍🏽漢字かな한국', "it's I'LL 'Ve 12345,678.9", '\t\ta\n\n\nb']
def text():
    if R.random() < .3: return R.choice(FIXED)
    return ''.join(R.choice(PIECES) for _ in range(R.randint(1, 12)))

REGEX = [r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
 r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
 r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
 r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
 r"[\p{L}\p{M}]+|\p{N}|[^\s\p{L}\p{N}\p{M}]+|\s+", r'\s+', r'\w+', r'\d', r'[\r\n]', r'\s?[!-/:-~！-／：-～‘-‟　-。]+', r'[一-龥ࠀ-一가-퟿]+', r'(?>\s+)\S', r'(?<=a)b|1', r'\b', r'^.', r'.$', r'(?i)ab|s', r'a++b|a', r'\p{N}{1,3}+', r'[^a\s]+?(?=\s|$)', r' +(?!\S)', r'[[:punct:]]+', r'[\p{L}&&[^a]]+', r'(?m:.+)', r'\R?x|\S' , r'[^\S\n]+', r'\A\s|\s\z', r'[0-9][0-9][0-9]', r'a*']
BEH = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']
def pattern(): return {'String': R.choice([' ', 'a', '-', 'ab', '▁', '.', '\n', '$1'])} if R.random() < .35 else {'Regex': R.choice(REGEX)}
def norm(d=0):
    k = R.choice(['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'Strip', 'Prepend', 'Replace', 'ByteLevel', 'Replace', 'Prepend', 'Sequence', 'Sequence'] if d < 2 else ['NFC', 'Lowercase', 'Replace'])
    if k == 'Sequence': return {'type': k, 'normalizers': [norm(d + 1) for _ in range(R.randint(0, 3))]}
    if k == 'Strip': return {'type': k, 'strip_left': R.random() < .6, 'strip_right': R.random() < .6}
    if k == 'Prepend': return {'type': k, 'prepend': R.choice(['▁', 'a', ' ', '▁▁'])}
    if k == 'Replace':
        p = R.choice([{'String': ' '}, {'String': ' '}, {'String': 'ab'}, {'String': '  '}, {'Regex': r'\s+'}, {'Regex': r' {2,}'}, {'Regex': r"[‘’]|a(?=b)"}, {'Regex': r'\p{N}'}])
        return {'type': k, 'pattern': p, 'content': R.choice(['▁', '▁', '', ' ', 'x', '$1', 'ab'])}
    return {'type': k}
def bytelevel(): return {'type': 'ByteLevel', 'add_prefix_space': R.random() < .5, 'trim_offsets': R.random() < .5, 'use_regex': R.random() < .6}
def metaspace(dec=False):
    m = {'type': 'Metaspace', 'replacement': R.choice(['▁', '▁', '▁', '_', '𝕏']), 'prepend_scheme': R.choice(['first', 'always', 'never'])}
    m['split'] = R.random() < .5
    return m
def pre(d=0):
    k = R.choice(['ByteLevel', 'ByteLevel', 'Metaspace', 'Metaspace', 'Split', 'Split', 'Split', 'Digits', 'Punctuation', 'Whitespace', 'WhitespaceSplit', 'CharDelimiterSplit', 'Sequence', 'Sequence', 'Sequence'] if d < 2 else ['Split', 'Digits', 'Metaspace', 'ByteLevel'])
    if k == 'Sequence': return {'type': k, 'pretokenizers': [pre(d + 1) for _ in range(R.randint(0, 3))]}
    if k == 'ByteLevel': return bytelevel()
    if k == 'Metaspace': return metaspace()
    if k == 'Split': return {'type': k, 'pattern': pattern(), 'behavior': R.choice(BEH), 'invert': R.random() < .25}
    if k == 'Digits': return {'type': k, 'individual_digits': R.random() < .5}
    if k == 'Punctuation': return {'type': k, 'behavior': R.choice(BEH)}
    if k == 'CharDelimiterSplit': return {'type': k, 'delimiter': R.choice([' ', '▁', 'a', '漢'])}
    return {'type': k}
def dec(d=0):
    k = R.choice(['ByteLevel', 'ByteLevel', 'ByteFallback', 'Fuse', 'Strip', 'Replace', 'Metaspace', 'Metaspace', 'Sequence', 'Sequence'])
    if k == 'Sequence' and d < 2: return {'type': k, 'decoders': [dec(d + 1) for _ in range(R.randint(0, 4))]}
    if k == 'Strip': return {'type': k, 'content': R.choice([' ', '▁', 'a']), 'start': R.randint(0, 2), 'stop': 0}
    if k == 'Replace': return {'type': k, 'pattern': R.choice([{'String': '▁'}, {'String': 'a'}, {'Regex': r'\s'}, {'Regex': r'a*'}]), 'content': R.choice([' ', '', '$1', 'bb'])}
    if k == 'Metaspace': return metaspace(True)
    if k == 'Sequence': return {'type': 'Fuse'}
    return {'type': k}
SPPRE = {'type': 'Sequence', 'decoders': [{'type': 'Replace', 'pattern': {'String': '▁'}, 'content': ' '}, {'type': 'ByteFallback'}, {'type': 'Fuse'}, {'type': 'Strip', 'content': ' ', 'start': 1, 'stop': 0}]}
def model():
    kind = R.choice(['bytes', 'bytes', 'chars', 'fallback'])
    chars = []
    if kind == 'bytes':
        chars = SYM[:] if R.random() < .6 else [s for s in SYM if R.random() < .6]
    else:
        base = ['▁', ' ', 'a', 'b', 'A', '1', '2', 'é', '漢', "'", 's', '.', '<', 'p', '>', 'n', '\n', 'Σ', 'x', '_', '𝕏', 'e', '\u0301', 'f', 'i', '\t', '-', '👍']
        chars = [c for c in base if R.random() < .8]
    unk = None
    vocab = []
    if kind != 'bytes' or R.random() < .2:
        if R.random() < .7: unk = '<unk>'; vocab.append(unk)
    if kind == 'fallback':
        vocab += ['<0x%02X>' % b for b in range(256) if R.random() < R.choice([1, 1, .9])]
    vocab += [c for c in chars if c not in vocab]
    merges = []
    pool = [c for c in chars if c in 'ĠabA1▁_ éĊÃ©ï»¿12s\'.<p>xnΣÂħħ漢ðŁ' ] or chars[:6]
    words = pool[:]
    for _ in range(R.randint(0, 40)):
        a, b = R.choice(words), R.choice(words)
        if len(a + b) > 6: continue
        if [a, b] in merges: continue
        merges.append([a, b])
        if a + b not in vocab: vocab.append(a + b); words.append(a + b)
    if R.random() < .2:
        for w in ['Ġab', 'ab', '▁ab', 'naïve', 'aa', 'Ġa', 'ĠĠĠ']:
            if w not in vocab: vocab.append(w)
    m = {'type': 'BPE', 'dropout': None, 'unk_token': unk, 'continuing_subword_prefix': None, 'end_of_word_suffix': None,
         'fuse_unk': R.random() < .5, 'byte_fallback': kind == 'fallback' or R.random() < .05, 'ignore_merges': R.random() < .25,
         'vocab': {w: i for i, w in enumerate(vocab)}, 'merges': merges}
    return kind, m, len(vocab)
def added(n, m):
    out = []; ids = n
    for c in R.sample(['<p>', '<s>', '</s>', '<x>', '<P>', '[u]', 'ab', ' a', '  ', 'word', '<p><p>', '\n', '漢', 'é', '▁<p>', '<unk>', '1', 'a b'], R.choice([0, 1, 2, 3, 5, 7])):
        i = m['vocab'].get(c)
        if i is None: i = ids; ids += 1
        out.append({'id': i, 'content': c, 'single_word': R.random() < .25, 'lstrip': R.random() < .3, 'rstrip': R.random() < .3, 'normalized': R.random() < .5, 'special': R.random() < .5})
    return out
POST = [None, {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True, 'use_regex': True}]
def setting():
    kind, m, n = model()
    p = None if R.random() < .15 else pre()
    if kind == 'bytes' and R.random() < .8:
        bl = bytelevel()
        p = R.choice([bl, {'type': 'Sequence', 'pretokenizers': [pre(1) for _ in range(R.randint(0, 2))] + [bl]}])
    if kind != 'bytes' and R.random() < .4: p = metaspace()
    nz = None if R.random() < .35 else norm()
    d = R.choice([None, {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True, 'use_regex': True}, SPPRE, dec(), dec(), dec()])
    if kind == 'bytes' and R.random() < .6: d = {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True, 'use_regex': True}
    return {'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': added(n, m), 'normalizer': nz, 'pre_tokenizer': p, 'post_processor': R.choice(POST), 'decoder': d, 'model': m}
out = []; failed = {}; panics = 0
while len(out) < WANT:
    s = setting()
    try: t = Tokenizer.from_str(json.dumps(s))
    except BaseException as e:
        k = str(e)[:60]; failed[k] = failed.get(k, 0) + 1; continue
    rows = []
    bad = 0
    for _ in range(14):
        if bad > 1: break
        x = text()
        try:
            t.encode_special_tokens = False
            ids = t.encode(x, add_special_tokens=False).ids
            t.encode_special_tokens = True
            plain = t.encode(x, add_special_tokens=False).ids
            t.encode_special_tokens = False
            rows.append([x, ids, None if plain == ids else plain, t.decode(ids, skip_special_tokens=True), t.decode(ids, skip_special_tokens=False)])
        except BaseException as e:
            bad += 1; panics += 1; failed['P ' + str(e)[:70]] = failed.get('P ' + str(e)[:70], 0) + 1
    # settings with which python panics on a text are kept with the texts that it takes
    for r in rows:
        if r[4] == r[3]: r[4] = None
    if rows:
        s['model']['vocab'] = list(s['model']['vocab'])
        out.append([s, rows])
print(len(out), sum(len(r) for _, r in out), 'panics', panics, failed)
body = json.dumps({'tokenizers': tokenizers.__version__, 'settings': out}, ensure_ascii=False, separators=(',', ':')).encode()
if OUT.endswith('.gz'): open(OUT, 'wb').write(gzip.compress(body, 9, mtime=0))
else: open(OUT, 'wb').write(body)
print(len(body))
