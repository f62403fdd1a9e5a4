"""Users of a live network: keys, money that moves exactly, what is refused, answers with proofs."""

import json
import subprocess

import pytest

from network import PROGRAM, Network, eventually, orrery

TOKEN = 10**18
FEE = TOKEN // 1000  # a fee of our own, so that it is seen apart from the base fee
# Nobody else pays with the accounts that these tests look at.
SILENT = ["load=[]", "groups.users.count=2"]


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    with Network(tmp_path_factory.mktemp("live") / "home", sets=SILENT) as network:
        yield network


def tx(net, *words, **options):
    """A sub-verb of tx: its JSON, or where another exit code is expected what it complains of."""
    out = net.command("tx", *words, "--json", **options)
    return json.loads(out) if out.startswith(("{", "[")) else out


def address(net, name):
    return next(row for row in tx(net, "keys") if row["name"] == name)["address"]


def balance(net, where, node="users-0"):
    return int(net.call(node, "getBalance", {"address": where})["balance"])


def final_block(net, node, block):
    """The block as that node tells it, once it is final there, too."""
    eventually(f"{node} has the block", lambda: net.call(
        node, "getChainInfo")["finalized_height"] >= block["height"])
    told = net.call(node, "getBlock", {"block": block["block"]})
    assert told["height"] == block["height"] and told["final"]
    return told


def key(folder, name):
    """A new key file and its address."""
    made = json.loads(orrery("tx", "keygen", folder / name, "--json"))
    return made["file"], made["address"]


def test_keys_are_the_accounts_of_the_scenario(net):
    rows = {row["name"]: row for row in tx(net, "keys")}
    assert set(net.names()) < set(rows)
    assert rows["users-1"]["balance"] == str(10_000 * TOKEN)
    assert rows["users-1"]["balance_text"] == "10000 AIGEN"
    assert rows["validators-2"]["stake"] == str(50_000 * TOKEN)
    assert rows["workers-0"]["role"] == "miner"
    for row in rows.values():
        assert len(row["address"]) == 40 and len(row["public_key"]) == 64


def test_a_transfer_moves_exactly_the_amount_and_the_fee(net, tmp_path):
    file, there = key(tmp_path, "a.key")
    here = address(net, "users-1")
    before = balance(net, here)
    done = tx(net, "transfer", "--from", "users-1", "--to", file, "12.5", "AIGEN", "--fee",
              "0.001 AIGEN")
    assert done["status"] == "final" and done["ok"] is True
    assert balance(net, here) == before - 25 * TOKEN // 2 - FEE
    assert balance(net, there) == 25 * TOKEN // 2
    block = final_block(net, "validators-0", done)
    assert [t["hash"] for t in block["transactions"]].count(done["hash"]) == 1
    # And back, by address, all but the fee.
    rest = f"{12.5 - 0.001:.3f} AIGEN"
    back = tx(net, "transfer", "--from", file, "--to", here, rest, "--fee", "0.001 AIGEN")
    assert back["ok"] and balance(net, there) == 0
    assert balance(net, here) == before - 2 * FEE


def test_money_is_spent_once(net, tmp_path):
    file, _ = key(tmp_path, "a.key")
    _, first = key(tmp_path, "b.key")
    _, second = key(tmp_path, "c.key")
    tx(net, "transfer", "--from", "users-0", "--to", file, "5 AIGEN")
    words = ("tx", "transfer", "--from", file, "--nonce", 0, "4 AIGEN", "--print")
    one = net.command(*words, "--to", first).strip()
    other = net.command(*words, "--to", second).strip()
    sent = tx(net, "send", one)
    assert sent["status"] == "final"
    assert "nonce" in net.command("tx", "send", other, expect=1)
    final_block(net, "validators-1", sent)
    # To another node, which knows the first one from a block only.
    assert "nonce" in net.command("tx", "send", other, "--node", "validators-1", expect=1)
    assert (balance(net, first), balance(net, second)) == (4 * TOKEN, 0)


def test_more_than_there_is_fails_and_costs_the_fee(net, tmp_path):
    file, there = key(tmp_path, "a.key")
    _, nobody = key(tmp_path, "b.key")
    assert "fee is not covered" in net.command(
        "tx", "transfer", "--from", file, "--to", "users-0", "1 AIGEN", expect=1)
    tx(net, "transfer", "--from", "users-0", "--to", file, "1 AIGEN")
    said = net.command("tx", "transfer", "--from", file, "--to", nobody, "1 AIGEN", "--fee",
                       "0.001 AIGEN", expect=1)
    assert "failed when its block executed it" in said
    assert (balance(net, there), balance(net, nobody)) == (TOKEN - FEE, 0)


def test_a_wrong_key_is_refused(net, tmp_path):
    file, there = key(tmp_path, "a.key")
    signed = bytearray.fromhex(net.command("tx", "transfer", "--from", file, "--to", "users-0",
                                           "1 AIGEN", "--print").strip())
    where = signed.find(bytes.fromhex(there))
    victim = bytes.fromhex(address(net, "users-1"))
    forged = bytes(signed[:where]) + victim + bytes(signed[where + len(victim):])
    before = balance(net, victim.hex())
    assert "(1002)" in net.command("tx", "send", forged.hex(), expect=1)
    signed[-1] ^= 1  # the signature itself
    assert "(1002)" in net.command("tx", "send", signed.hex(), expect=1)
    assert balance(net, victim.hex()) == before


def test_stake_comes_and_goes(net, tmp_path):
    file, there = key(tmp_path, "a.key")
    tx(net, "transfer", "--from", "users-0", "--to", file, "1100 AIGEN")
    done = tx(net, "stake", "--from", file, "1000 AIGEN", "--validator")
    account = net.call("users-0", "getAccount", {"address": there})
    assert done["ok"] and account["stake"] == str(1000 * TOKEN) and account["validator"]
    assert tx(net, "unstake", "--from", file, "1000 AIGEN")["ok"]
    account = net.call("users-0", "getAccount", {"address": there})
    assert account["stake"] == "0" and int(account["balance"]) < 100 * TOKEN  # still unbonding


def test_a_task_is_paid_by_who_asks(net, tmp_path):
    file, there = key(tmp_path, "a.key")
    tx(net, "transfer", "--from", "users-0", "--to", file, "50 AIGEN")
    done = tx(net, "task", "--from", file, "--model", "small", "--prompt", "Once", "--tokens", 4)
    assert done["ok"]
    task = eventually("the task has settled", lambda: settled(net, done["task"]), timeout=60)
    assert task["requester"] == there and task["model_id"] == "small"
    assert 0 < balance(net, there) < 50 * TOKEN
    assert "model not found" in net.command("tx", "task", "--from", file, "--model", "huge",
                                            "--prompt", "x", expect=1)


def settled(net, task):
    found = net.call("users-0", "getTask", {"task": task})
    return found if found and found["state"] == "settled" else None


def test_an_account_that_others_use_too_gets_its_turn(tmp_path):
    """The user's node pays ten times a second with the key that the command signs with."""
    busy = ('load=[{name: pays, kind: transfer, users: "role(user)", rate: 600/m, start: t+1s, '
            'amount: 0.5 AIGEN}]')
    with Network(tmp_path / "home", sets=[busy]) as net:
        file, there = key(tmp_path, "a.key")
        for _ in range(5):
            tx(net, "transfer", "--from", "users-0", "--to", file, "1 AIGEN", "--wait", "none")
        eventually("all five have arrived", lambda: balance(net, there) == 5 * TOKEN)


def test_an_answer_comes_with_a_proof_that_its_block_contains(net):
    answer = json.loads(net.command("chat", "What is a block?", "--tokens", 6, "--wait", "final",
                                    "--json"))
    proof = answer["proof"]
    assert proof["final"] is True and answer["usage"]["completion_tokens"] == 6
    # A node that was not asked says the same.
    block = final_block(net, "validators-3", proof)
    reveals = [t for t in block["transactions"] if t["hash"] == proof["transaction"]]
    assert [(t["type"], t["sender"], t["detail"]["task"]) for t in reveals] == [
        ("reveal", proof["worker"], proof["task"])]
    content = answer["choices"][0]["message"]["content_hex"]
    assert content in reveals[0]["payload"]
    assert reveals[0]["detail"]["transcript_root"] == proof["transcript_root"]


def test_every_line_gets_an_answer(net):
    done = subprocess.run([str(PROGRAM), "chat", "--home", net.home, "--json", "--tokens", "3"],
                          input="one\n\ntwo\n", capture_output=True, text=True, timeout=120,
                          check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 2
    assert len({answer["proof"]["task"] for answer in answers}) == 2


def test_words_for_people_are_apart_from_data(net):
    done = subprocess.run([str(PROGRAM), "chat", "hello", "--home", net.home, "--tokens", "4"],
                          capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.endswith("\n") and "worker" not in done.stdout
    for word in ("task", "worker", "input", "output", "block", "at height"):
        assert word in done.stderr
    assert not any(ord(c) < 32 and c not in "\n\t" for c in done.stdout)


def test_exit_codes_say_who_is_to_blame(net, tmp_path):
    file, _ = key(tmp_path, "a.key")
    gone = ("--rpc", "http://127.0.0.1:1")
    pay = ("transfer", "--from", file, "--to", "ab" * 20, "1 AIGEN")
    assert "nobody answers" in orrery("tx", *pay, *gone, expect=3)
    assert "nobody answers" in orrery("chat", "x", *gone, expect=3)
    assert "neither a name" in net.command("tx", "transfer", "--from", "nobody", "--to",
                                           "users-0", "1 AIGEN", expect=2)
    assert "has no unit" in net.command("tx", "transfer", "--from", "users-0", "--to", "users-1",
                                        "1", expect=2)
    assert "not in time" in net.command("tx", "transfer", "--from", "users-1", "--to", "users-0",
                                        "1 AIGEN", "--timeout", "1ms", expect=4)
    assert "no answer within" in net.command("chat", "x", "--timeout", "50ms", expect=4)
    assert "model not found" in net.command("chat", "x", "--model", "huge", expect=1)
    assert "never overwritten" in orrery("tx", "keygen", file, expect=2)
    orrery("tx", "stake", "--from", file, "1 AIGEN", *gone, "--worker", expect=3)
    orrery("tx", expect=2)
