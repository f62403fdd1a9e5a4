"""Frames: fixed columns, exact money."""

import math

import pandas as pd
import pytest

SUPPLY = 10**27  # a billion tokens of 18 decimals

COLUMNS = {
    "metrics": "time_s metric value",
    "blocks": "height slot time_s hash parent proposer transactions proofs evidence bytes work "
              "finalized finalized_time_s reward_producer reward_models reward_fund "
              "reward_treasury fees",
    "ledger": "time_s height pool amount amount_tokens",
    "tasks": "id kind requester workers state requested_height ended_height requested_s ended_s "
             "tokens work escrow paid prompt answer",
    "nodes": "name group role region height finalized_height digest peers messages_sent "
             "bytes_sent boots stake slashed behaviour",
    "faults": "id name kind targets detail begin_s end_s",
    "slashes": "time_s height node cause amount evidence amount_tokens",
    "rewards": "role amount amount_tokens",
    "invariants": "name about checks violations first_violation first_violation_s",
    "asserts": "name text ok decided seen",
    "verdicts": "kind name ok decided text seen",
}


@pytest.mark.parametrize("table", COLUMNS)
def test_columns_keep_their_names_order_and_types(minute, whole, table):
    ours, theirs = getattr(minute, table), getattr(whole, table)
    assert list(ours.columns) == COLUMNS[table].split()
    assert list(ours.dtypes) == list(theirs.dtypes)  # also where one of them is empty
    assert getattr(minute, table) is ours  # made once


def test_money_adds_up_exactly_at_every_sample(whole):
    assert len(whole.ledger) > 300
    assert all(type(amount) is int for amount in whole.ledger["amount"])
    totals = whole.ledger.groupby(["time_s", "height"])["amount"].agg(lambda rows: sum(rows))
    assert len(totals) >= 60 and set(totals) == {SUPPLY}
    assert whole.supply["total"] == SUPPLY
    last = whole.ledger[whole.ledger["time_s"] == whole.virtual_seconds]
    pools = {pool: amount for pool, amount in whole.supply.items() if pool != "total"}
    assert dict(zip(last["pool"], last["amount"])) == pools
    assert any(amount % 10**9 for amount in pools.values())  # digits that a float would lose


def test_tokens_are_the_amount_for_charts(whole):
    for row in whole.ledger.itertuples():
        assert math.isclose(row.amount_tokens, row.amount / 1e18, rel_tol=1e-12)


def test_frames_agree_with_the_figures(whole):
    assert whole.blocks["height"].max() == whole.height
    assert whole.blocks["height"].diff().dropna().eq(1).all()
    assert whole.series("height").iloc[-1] == whole.height
    assert len(whole.tasks) == whole.task_counts["requested"] > 20
    assert (whole.tasks["state"] == "settled").sum() == whole.task_counts["settled"]
    assert whole.nodes["stake"].sum() == whole.supply["staked"]
    assert isinstance(whole.nodes["stake"].sum(), int)


def test_what_did_not_happen_has_no_time(whole):
    final = whole.blocks["finalized"]
    assert final.any() and not final.all()
    assert whole.blocks["finalized_time_s"].notna().equals(final)
    assert whole.invariants["first_violation_s"].isna().all()
    assert whole.faults[["begin_s", "end_s"]].values.tolist() == [[180.0, 210.0]]


def test_verdicts_hold_asserts_and_invariants(whole):
    assert whole.ok and whole.verdicts["ok"].all()
    assert len(whole.verdicts) == len(whole.asserts) + len(whole.invariants)
    assert (whole.invariants["checks"] > 0).sum() > 10


def test_an_unrecorded_metric_is_an_error(whole):
    assert isinstance(whole.series("height"), pd.Series)
    with pytest.raises(KeyError, match="heihgt.*finalized_height"):
        whole.series("heihgt")


def test_figures_hold_the_samples(whole):
    pytest.importorskip("plotly")
    figure = whole.figure("height", "ledger")
    assert list(figure.data[0].y) == list(whole.series("height"))
    assert {trace.name for trace in figure.data[1:]} == set(whole.ledger["pool"])
    assert figure.layout.shapes[0].x0 == 180.0
