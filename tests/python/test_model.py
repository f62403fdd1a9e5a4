"""Models from Python: what the commands say, as values."""

import pytest

import orrery


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("model")


def test_a_model_is_trained_verified_and_speaks(command, folder):
    trained = orrery.model.train("0.3M", folder, steps=3, threads=2, device="auto")
    assert trained["steps"] == 3 and trained["perplexity_exact_i8"] > 1
    shape = orrery.model.inspect(folder)
    assert shape["artefact_digest"] == trained["artefact_digest"] and shape["layers"] == 2
    orrery.model.verify(folder)
    assert orrery.model.build(folder)["artefact_digest"] == trained["artefact_digest"]
    made = orrery.model.generate(folder, "the ", tokens=12, temperature=1, seed=5)
    assert made.tokens == 12 and len(made.digest) == 64
    assert made.output == orrery.model.generate(folder, "the ", tokens=12, temperature=1,
                                                seed=5, device="auto").output
    few = orrery.model.generate(folder, "the ", tokens=12, temperature=1, seed=5, top_k=1)
    assert few.output == orrery.model.generate(folder, "the ", tokens=12).output
    stop = made.output[1:3].decode("ascii")
    cut = orrery.model.generate(folder, "the ", tokens=12, temperature=1, seed=5, stop=stop)
    assert cut.output == made.output[:1] and cut.digest is None


def test_rows_of_a_bench_come_as_a_frame(command):
    rows = orrery.model.bench("gemm", shape="8x64x64", repeats=1)
    assert len(rows) > 0 and (rows["gops"] > 0).all() and set(rows["type"]) == {"f32", "int8"}


def test_what_is_wrong_is_said(command, tmp_path):
    with pytest.raises(orrery.CommandError, match="top-p") as caught:
        orrery.model.generate(tmp_path, "x", top_p=0)
    assert caught.value.code == 2
    with pytest.raises(orrery.CommandError, match="no model"):
        orrery.model.train("1B", tmp_path)
    with pytest.raises(orrery.CommandError, match="take cpu, cuda or auto"):
        orrery.model.train("0.3M", tmp_path, steps=1, device="tpu")
