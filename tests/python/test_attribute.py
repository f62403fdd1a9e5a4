"""The command attribute as frames."""

import json

import pytest

import orrery

TEXTS = [(0, "the moon is made of cheese"), (1, "a boat sails over the sea"),
         (2, "The moon is  made of cheese"), (3, "winds blow and sails tear")]


@pytest.fixture
def corpus(tmp_path, command):
    lines = [json.dumps({"contributor": c, "text": text}) for c, text in TEXTS]
    (tmp_path / "documents.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_scores_and_payouts_come_as_frames_of_integers(corpus):
    made = orrery.attribute([("the moon is ", "made of cheese"), "a boat"], corpus=corpus,
                            method="suffix", top=2)
    assert list(made.documents["query"]) == [0, 0, 1, 1]
    assert list(made.documents["rank"]) == [1, 2, 1, 2]
    best = made.documents[made.documents["rank"] == 1]
    assert list(best["document"]) == [0, 1] and list(best["contributor"]) == [0, 1]
    assert made.documents["score"].dtype == "int64" and best["text"].iloc[0] == TEXTS[0][1]
    assert list(made.contributors.groupby("query")["paid"].sum()) == [1_000_000, 1_000_000]
    assert made.copies == 1 and made.checkpoints == [] and made.method == "suffix"


def test_what_is_wrong_is_said(corpus):
    with pytest.raises(orrery.CommandError, match="needs a model") as caught:
        orrery.attribute("a boat", corpus=corpus)
    assert caught.value.code == 2
    with pytest.raises(orrery.CommandError, match="magic"):
        orrery.attribute("a boat", corpus=corpus, method="magic")
    with pytest.raises(orrery.CommandError, match="cpu, cuda or auto") as caught:
        orrery.attribute("a boat", corpus=corpus, method="suffix", device="abacus")
    assert caught.value.code == 2
