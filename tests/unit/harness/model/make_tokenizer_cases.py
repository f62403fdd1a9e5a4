"""Writes tokenizer_cases.json: two small tokenizers and what texts become under them, computed by
the definitions rather than by the reader under test.

make_tokenizer_cases.py > tokenizer_cases.json
"""

import json
import re
import unicodedata

TRAINING = ("the quick brown fox jumps over the lazy dog and the dog does not mind it at all. "
            "they're there; it's 2024 and 1999 isn't. naïve café, größer, 東京 und Москва! "
            "for (int i = 0; i < 10; ++i) { sum += i; }\n\n    indented    text\n") * 3
TEXTS = ["the dog", " the  dog ", "it's they're I'LL we'll", "café naïve größer", "東京 Москва",
         "x = 10; y+=2\n\n\n  done", "\t tabs\u00a0and nbsp ", "emoji 🙂🙂!", "1234 ½ ٣", "   ",
         "a", "", "the<|end|>fox", "<s>the fox</s>", "e\u0301 combining", "quick\r\nbrown"]
PATTERN = (r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def spelling():
    kept = [b for b in range(256) if 0x21 <= b <= 0x7e or 0xa1 <= b <= 0xac or 0xae <= b]
    table, extra = {}, 0
    for b in range(256):
        table[b] = chr(b) if b in kept else chr(256 + extra)
        extra += b not in kept
    return table


SPELL = spelling()


def words(text):
    """The expression, on a string in which each character is replaced by a letter of its class."""
    classes = "".join("L" if unicodedata.category(c)[0] == "L" else
                      "N" if unicodedata.category(c)[0] == "N" else
                      "B" if c == " " else "S" if c.isspace() else "O" for c in text)
    found, at = [], 0
    while at < len(text):
        ending = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d").match(text, at)
        end = ending.end() if ending else re.compile(
            r"B?L+|B?N+|B?O+|[BS]+(?![LNO])|[BS]+").match(classes, at).end()
        found.append(text[at:end])
        at = end
    return found


def train(pieces, vocab, merges):
    pieces = [list(p) for p in pieces]
    merged = []
    while len(merged) < merges:
        counts = {}
        for piece in pieces:
            for pair in zip(piece, piece[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        best = max(sorted(counts), key=counts.get)
        merged.append(best)
        vocab.setdefault(best[0] + best[1], len(vocab))
        pieces = [apply_merge(piece, best) for piece in pieces]
    return merged


def apply_merge(piece, pair):
    out, i = [], 0
    while i < len(piece):
        if tuple(piece[i:i + 2]) == pair:
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(piece[i])
            i += 1
    return out


def bpe(piece, ranks):
    while True:
        pairs = [(ranks[p], i) for i, p in enumerate(zip(piece, piece[1:])) if p in ranks]
        if not pairs:
            return piece
        i = min(pairs)[1]
        piece = piece[:i] + [piece[i] + piece[i + 1]] + piece[i + 2:]


def byte_level():
    vocab = {SPELL[b]: b for b in range(256)}
    pieces = ["".join(SPELL[b] for b in w.encode()) for w in words(TRAINING)]
    merges = train(pieces, vocab, 120)
    end = len(vocab)
    model = {"type": "BPE", "vocab": vocab, "merges": [" ".join(m) for m in merges]}
    step = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated",
             "invert": False}
    file = {"model": model, "normalizer": None, "decoder": {"type": "ByteLevel"},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, step]},
            "added_tokens": [{"id": end, "content": "<|end|>", "special": True}]}
    ranks = {m: i for i, m in enumerate(merges)}

    def encode(text):
        ids = []
        for part in re.split(r"(<\|end\|>)", text):
            if part == "<|end|>":
                ids.append(end)
                continue
            for word in words(part):
                ids += [vocab[t] for t in bpe([SPELL[b] for b in word.encode()], ranks)]
        return ids
    return file, encode


def llama():
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2}
    for b in range(256):
        vocab[f"<0x{b:02X}>"] = len(vocab)
    text = "▁" + TRAINING.replace(" ", "▁")
    for c in sorted(set(text) - set("東京")):
        vocab.setdefault(c, len(vocab))
    pieces = re.findall(r"▁*[^▁]*", text)
    merges = train([[c for c in p if c in vocab] for p in pieces if p], vocab, 100)
    model = {"type": "BPE", "vocab": vocab, "merges": [list(m) for m in merges],
             "byte_fallback": True, "unk_token": "<unk>"}
    file = {"model": model, "pre_tokenizer": None,
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Prepend", "prepend": "▁"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
            "decoder": {"type": "Sequence", "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"}, {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
            "added_tokens": [{"id": 0, "content": "<unk>", "special": True},
                             {"id": 1, "content": "<s>", "special": True},
                             {"id": 2, "content": "</s>", "special": True}]}
    ranks = {m: i for i, m in enumerate(merges)}

    def encode(text):
        ids = []
        for part in re.split(r"(<s>|</s>|<unk>)", text):
            if part in ("<s>", "</s>", "<unk>"):
                ids.append(vocab[part])
            elif part:
                symbols = []
                for c in "▁" + part.replace(" ", "▁"):
                    symbols += [c] if c in vocab else [f"<0x{b:02X}>" for b in c.encode()]
                ids += [vocab[t] for t in bpe(symbols, ranks)]
        return ids
    return file, encode


def main():
    out = {"tokenizers": {}, "cases": []}
    for name, make in (("byte_level", byte_level), ("llama", llama)):
        file, encode = make()
        out["tokenizers"][name] = file
        out["cases"] += [{"tokenizer": name, "text": t, "ids": encode(t)} for t in TEXTS]
    print(json.dumps(out, ensure_ascii=False))


if __name__ == "__main__":
    main()
