"""Perplexities of one small model by every convention, from logits, without this project's code.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6 safetensors==0.8.0
    /tmp/golden/bin/python spec/eval/conventions/golden.py

It writes model/ (a Llama of random weights over bytes), rows.jsonl and golden.json beside itself. All
arithmetic is in f64 on the stored f32 weights. Each convention is written down as the program that it
comes from has it, a window at a time, and shares nothing with the others but `nll`.
"""

import json
import os
import re

import numpy as np
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
V, C, H, K, D, F, L, CONTEXT = 258, 16, 2, 1, 8, 24, 2, 64
BOS, EOS = 256, 257
EPS, THETA = 1e-5, 10000.0

ROWS = [
    "The quick brown fox jumps over the lazy dog, and the lazy dog sleeps on. " * 3 + "Then it wakes.",
    "  Zwei Wörter\u00a0mehr, und ein\u2003breiter Raum;\x1cein Trenner\x85 am Ende \n",
    "One.",
    "A text whose length in bytes is neither a window nor a multiple of one, so that its last window is cut short: 0123456789",
]

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": V,
    "hidden_size": C,
    "intermediate_size": F,
    "num_hidden_layers": L,
    "num_attention_heads": H,
    "num_key_value_heads": K,
    "head_dim": D,
    "max_position_embeddings": CONTEXT,
    "rms_norm_eps": EPS,
    "rope_theta": THETA,
    "hidden_act": "silu",
    "tie_word_embeddings": True,
    "bos_token_id": BOS,
    "eos_token_id": EOS,
}


def make_weights():
    rng = np.random.default_rng(15)
    normal = lambda rows, columns, scale: (scale * rng.standard_normal((rows, columns))).astype(np.float32)
    weights = {
        "model.embed_tokens.weight": normal(V, C, 0.35),
        "model.norm.weight": (1 + 0.2 * rng.standard_normal(C)).astype(np.float32),
    }
    for layer in range(L):
        p = f"model.layers.{layer}."
        weights[p + "input_layernorm.weight"] = (1 + 0.2 * rng.standard_normal(C)).astype(np.float32)
        weights[p + "self_attn.q_proj.weight"] = normal(H * D, C, 0.5)
        weights[p + "self_attn.k_proj.weight"] = normal(K * D, C, 0.5)
        weights[p + "self_attn.v_proj.weight"] = normal(K * D, C, 0.3)
        weights[p + "self_attn.o_proj.weight"] = normal(C, H * D, 0.3)
        weights[p + "post_attention_layernorm.weight"] = (1 + 0.2 * rng.standard_normal(C)).astype(np.float32)
        weights[p + "mlp.gate_proj.weight"] = normal(F, C, 0.3)
        weights[p + "mlp.up_proj.weight"] = normal(F, C, 0.3)
        weights[p + "mlp.down_proj.weight"] = normal(C, F, 0.3)
    return weights


WEIGHTS = make_weights()
W = {name: value.astype(np.float64) for name, value in WEIGHTS.items()}


def rms_norm(x, gain):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPS) * gain


def rotate(x):
    """[T, heads, D]: halves rotated by position, as Hugging Face's Llama."""
    half = D // 2
    angles = np.arange(len(x))[:, None] * THETA ** (-np.arange(half) / half)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def logits(ids):
    """[T, V] of a sequence from position 0 on."""
    assert 1 <= len(ids) <= CONTEXT
    x = W["model.embed_tokens.weight"][ids]
    T = len(ids)
    for layer in range(L):
        p = f"model.layers.{layer}."
        h = rms_norm(x, W[p + "input_layernorm.weight"])
        q = rotate((h @ W[p + "self_attn.q_proj.weight"].T).reshape(T, H, D))
        k = rotate((h @ W[p + "self_attn.k_proj.weight"].T).reshape(T, K, D))
        v = (h @ W[p + "self_attn.v_proj.weight"].T).reshape(T, K, D)
        mixed = np.zeros((T, H, D))
        for head in range(H):
            scores = q[:, head] @ k[:, head * K // H].T / np.sqrt(D)
            scores = np.where(np.tril(np.ones((T, T), bool)), scores, -np.inf)
            share = np.exp(scores - scores.max(-1, keepdims=True))
            mixed[:, head] = share / share.sum(-1, keepdims=True) @ v[:, head * K // H]
        x = x + mixed.reshape(T, H * D) @ W[p + "self_attn.o_proj.weight"].T
        h = rms_norm(x, W[p + "post_attention_layernorm.weight"])
        gate = h @ W[p + "mlp.gate_proj.weight"].T
        up = h @ W[p + "mlp.up_proj.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * up) @ W[p + "mlp.down_proj.weight"].T
    return rms_norm(x, W["model.norm.weight"]) @ W["model.embed_tokens.weight"].T


def nll(inputs, targets):
    """Nats of the last len(targets) predictions that reading `inputs` makes."""
    rows = logits(np.array(inputs))[-len(targets) :]
    top = rows.max(-1)
    lse = top + np.log(np.exp(rows - top[:, None]).sum(-1))
    return lse - rows[np.arange(len(targets)), targets]


def encode(text):
    return list(text.encode("utf-8"))


STREAM = encode("\n\n".join(ROWS))
WITH_BOS = [BOS] + STREAM


def paper(chunk, stride, bos):
    """BlockPruner and SliceGPT: mean of chunk means; with a stride, targets scored once."""
    ids = WITH_BOS if bos else STREAM
    means = []
    for start in range(0, len(ids) - chunk + 1, stride):
        own = ids[start : start + chunk]
        losses = nll(own[:-1], own[1:])
        means.append((losses if start == 0 else losses[-min(stride, chunk - 1) :]).mean())
    return np.exp(np.mean(means))


def token_mean(chunk, stride, bos):
    ids = WITH_BOS if bos else STREAM
    losses = []
    for start in range(0, len(ids) - chunk + 1, stride):
        own = ids[start : start + chunk]
        every = nll(own[:-1], own[1:])
        losses.extend(every if start == 0 else every[-min(stride, chunk - 1) :])
    return np.exp(np.mean(losses))


def llama_cpp(n_ctx, add_bos):
    """tools/perplexity: logits of positions n_ctx/2 … n_ctx - 2 predict the token after each."""
    tokens = list(WITH_BOS if add_bos else STREAM)
    first = n_ctx // 2
    total, count = 0.0, 0
    for i in range(len(tokens) // n_ctx):
        window = tokens[i * n_ctx : (i + 1) * n_ctx]
        read = [BOS] + window[1:] if add_bos else window
        rows = logits(np.array(read))
        for position in range(first, n_ctx - 1):
            row = rows[position]
            total += row.max() + np.log(np.exp(row - row.max()).sum()) - row[window[position + 1]]
            count += 1
    assert count == (len(tokens) // n_ctx) * (n_ctx - n_ctx // 2 - 1)
    return np.exp(total / count)


def hf_stride(max_length, stride, bos):
    """
    Hugging Face's page on perplexity of fixed-length models. Labels outside the last trg_len are
    masked; the loss is the mean over the labels that are left after the shift. Two figures: each
    window weighted by the labels that its mean was taken over, and as the page has it, by one fewer
    than there are before the shift.
    """
    ids = WITH_BOS if bos else STREAM
    exact, counts, page, page_counts = 0.0, 0, 0.0, 0
    previous_end = 0
    for begin in range(0, len(ids), stride):
        end = min(begin + max_length, len(ids))
        trg_len = end - previous_end
        own = ids[begin:end]
        labels = [None] * (len(own) - trg_len) + own[len(own) - trg_len :]
        scored = [at for at in range(1, len(own)) if labels[at] is not None]
        valid = sum(label is not None for label in labels)
        if scored:
            losses = nll(own[:-1], own[1:])
            loss = np.mean([losses[at - 1] for at in scored])
            exact += loss * len(scored)
            counts += len(scored)
            page += loss * (valid - 1)
            page_counts += valid - 1
        previous_end = end
        if end == len(ids):
            break
    return np.exp(exact / counts), np.exp(page / page_counts)


def rolling(text, max_seq_len):
    """lm-eval's loglikelihood_rolling with a context of 1: (input, predicted) of each window."""
    first = min(max_seq_len, len(text))
    yield [BOS] + text[: first - 1], text[:first]
    predicted = first
    while predicted < len(text):
        count = min(len(text) - predicted, max_seq_len)
        end = predicted + count
        yield text[end - max_seq_len - 1 : end - 1], text[end - count : end]
        predicted = end


def text_nats(row, max_seq_len):
    return sum(nll(inputs, targets).sum() for inputs, targets in rolling(encode(row), max_seq_len))


def document(chunk):
    return np.exp(sum(text_nats(row, chunk) for row in ROWS) / sum(len(encode(row)) for row in ROWS))


def document_without_bos(chunk):
    """The first token is read and not scored, so the first window predicts one token fewer."""
    nats, count = 0.0, 0
    for row in ROWS:
        ids = encode(row)
        for end in [*range(chunk + 1, len(ids), chunk), len(ids)]:
            start = max(0, end - chunk - 1)
            targets = ids[max(1, 1 + (end - 2) // chunk * chunk) : end]
            nats += nll(ids[start : end - 1], targets).sum()
            count += len(targets)
    return np.exp(nats / count)


def word(chunk):
    words = sum(len(re.split(r"\s+", row)) for row in ROWS)
    return np.exp(sum(text_nats(row, chunk) for row in ROWS) / words)


def case(convention, ppl, **settings):
    return {"convention": convention, "settings": settings, "ppl": float(ppl)}


def main():
    os.makedirs(os.path.join(HERE, "model"), exist_ok=True)
    save_file(WEIGHTS, os.path.join(HERE, "model", "model.safetensors"))
    cases = []
    for chunk, stride in [(48, 48), (48, 20), (33, 7)]:
        for bos in [True, False]:
            settings = {"chunk": chunk, "stride": stride, "bos": "auto" if bos else "none"}
            cases.append(case("paper", paper(chunk, stride, bos), **settings))
            cases.append(case("token-mean", token_mean(chunk, stride, bos), **settings))
    for chunk in [32, 33, 64]:
        for bos in [True, False]:
            cases.append(case("llama.cpp", llama_cpp(chunk, bos), chunk=chunk, bos="auto" if bos else "none"))
    for chunk, stride in [(64, 32), (64, 24), (48, 16), (40, 40), (40, 39), (30, 1)]:
        for bos in [True, False]:
            exact, page = hf_stride(chunk, stride, bos)
            settings = {"chunk": chunk, "stride": stride, "bos": "auto" if bos else "none"}
            cases.append({**case("hf-stride", exact, **settings), "page": float(page)})
    for chunk in [64, 20, 2]:
        cases.append(case("document", document(chunk), chunk=chunk))
        cases.append(case("document", document_without_bos(chunk), chunk=chunk, bos="none"))
        cases.append(case("word", word(chunk), chunk=chunk))
    golden = {
        "numpy": np.__version__,
        "tokens": len(STREAM),
        "words": [len(re.split(r"\s+", row)) for row in ROWS],
        "cases": cases,
    }
    with open(os.path.join(HERE, "model", "config.json"), "w") as file:
        json.dump(CONFIG, file, indent=2)
        file.write("\n")
    with open(os.path.join(HERE, "rows.jsonl"), "w") as file:
        file.writelines(json.dumps({"text": row}) + "\n" for row in ROWS)
    with open(os.path.join(HERE, "golden.json"), "w") as file:
        json.dump(golden, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
