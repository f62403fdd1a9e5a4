"""Runs, their arguments and their errors."""

import datetime

import pytest

import orrery


def test_a_seed_decides_the_run(four, minute):
    assert orrery.run(four, seed=minute.seed, set={"until": "60s"}).digest == minute.digest
    other = orrery.run(four, seed=minute.seed + 1, set={"until": "60s"})
    assert other.seed == minute.seed + 1
    assert other.digest != minute.digest


def test_a_run_says_what_it_simulated(minute):
    assert minute.name == "baseline-four"
    assert minute.virtual_seconds == 60.0
    assert 0 < minute.finalized_height < minute.height < 20
    assert minute.events > 1000 and minute.wall_seconds > 0
    assert not minute.partial and not minute.interrupted
    assert len(minute.digest) == 32 and len(minute.scenario_hash) == 64
    assert minute.digest in repr(minute) and minute.digest in minute._repr_html_()
    assert minute.summary()["digest"] == minute.digest


@pytest.mark.parametrize("until", [30, 30.0, "30s", datetime.timedelta(seconds=30)])
def test_stopping_early_is_partial_and_keeps_the_scenario(four, minute, until):
    run = orrery.run(four, until=until)
    assert run.virtual_seconds == 30.0
    assert run.partial and not run.interrupted and run.exit == 0
    asserts = run.asserts.set_index("name")
    assert not asserts.loc["blocks-come", "decided"]  # it is about the end
    assert asserts.loc["money-is-conserved", ["ok", "decided"]].all()
    assert run.scenario_hash == orrery.run(four, until=1).scenario_hash != minute.scenario_hash


def test_an_until_that_is_no_duration_is_an_error(four):
    with pytest.raises(ValueError, match="30 parsecs"):
        orrery.run(four, until="30 parsecs")


def test_set_changes_the_scenario(four):
    changed = {"groups.workers.count": 2, "chain.consensus.slot": datetime.timedelta(seconds=2),
               "until": "40s", "name": "changed"}
    scenario = orrery.load(four, seed=9, set=changed)
    assert scenario["seed"] == 9 and scenario["until_ns"] == 40 * 10**9
    assert sum(node["group"] == "workers" for node in scenario["nodes"]) == 2
    run = orrery.run(four, set=changed)
    assert run.name == "changed" and (run.nodes["group"] == "workers").sum() == 2
    assert run.height <= 20  # slots of two seconds
    assert "--set groups.workers.count=2" in run.command


def test_a_failed_assert_is_a_finding(four):
    never = "[{name: never, at_end: height > 1000}, {name: ever, at_end: height > 1}]"
    run = orrery.run(four, set={"until": "40s", "asserts": never})
    assert run.exit == 1 and not run.ok and not run.partial
    asserts = run.verdicts[run.verdicts["kind"] == "assert"].set_index("name")
    assert not asserts.loc["never", "ok"] and asserts.loc["ever", "ok"]
    assert "height was" in asserts.loc["never", "seen"]


def test_problems_of_a_scenario_have_a_place(four):
    wrong = four.parent.parent / "negative" / "unknown-key.yaml"
    with pytest.raises(orrery.ScenarioError, match=r"unknown-key\.yaml:\d+:\d+: ") as raised:
        orrery.run(wrong)
    first = raised.value.diagnostics[0]
    assert first.file == str(wrong) and first.line > 1 and first.column >= 1
    assert f"{first.file}:{first.line}:{first.column}: " in str(raised.value)
    assert orrery.check(wrong) == raised.value.diagnostics
    assert orrery.check(four) == []


def test_a_wrong_setting_is_named(four):
    problems = orrery.check(four, set={"groups.workers.cuont": 3})
    assert len(problems) == 1 and "cuont" in str(problems[0]) and "count" in problems[0].hint
    with pytest.raises(orrery.ScenarioError, match="cuont"):
        orrery.load(four, set={"groups.workers.cuont": 3})


def test_a_file_that_is_not_there_is_a_scenario_error(tmp_path):
    with pytest.raises(orrery.ScenarioError, match="nothing.yaml"):
        orrery.run(tmp_path / "nothing.yaml")


def test_the_language_and_the_metrics_describe_themselves(minute):
    assert {"chain", "groups", "until"} <= orrery.schema()["properties"].keys()
    registry = orrery.metrics()
    assert list(registry.columns) == ["name", "unit", "kind", "meaning"]
    assert set(minute.metrics["metric"]) <= set(registry["name"])
