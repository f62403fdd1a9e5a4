// jayson, unmodified: a JSON-RPC 2.0 client over HTTP.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import jayson from 'jayson/promise/index.js';
import { startHost, transfer, until, wallet } from './host.mjs';

let host, client, url;
before(async () => {
  host = await startHost();
  url = `http://127.0.0.1:${host.port}/`;
  client = jayson.Client.http({ hostname: '127.0.0.1', port: host.port });
});
after(() => host.stop());

const call = async (method, params = {}) => {
  const answer = await client.request(method, params);
  assert.equal(answer.error, undefined, `${method}: ${JSON.stringify(answer.error)}`);
  return answer.result;
};
const code = async (method, params) => (await client.request(method, params)).error?.code;

test('reads the chain by name and by position', async () => {
  const info = await call('getChainInfo');
  assert.ok(Number.isInteger(info.height) && /^[0-9a-f]{64}$/.test(info.latest_block_hash));
  const { models } = await call('listModels');
  const { model_id } = models[0];
  assert.deepEqual(await call('getModelInfo', { model_id }), await call('getModelInfo', [model_id]));
  assert.equal((await call('getBlock', [0])).height, 0);
  // Sessions may still be on their way while the first questions are answered.
  for (let tries = 0; (await call('health')).peers === 0; ++tries) {
    assert.ok(tries < 100, 'no peer within ten seconds');
    await new Promise((done) => setTimeout(done, 100));
  }
});

test('hears every error code, always with HTTP 200', async () => {
  assert.equal(await code('noSuchMethod', []), -32601);
  assert.equal(await code('getBalance', []), -32602);
  assert.equal(await code('getBlock', [99999999]), 1001);
  assert.equal(await code('getModelInfo', ['none']), 2001);
  assert.equal(await code('submitTransaction', { encoded: '00' }), -32602);
  for (const [body, expected] of [['{', -32700], ['', -32700], ['[]', -32600], ['{"a":1}', -32600]]) {
    const answer = await fetch(url, { method: 'POST', body });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    const { error, id } = await answer.json();
    assert.equal(error.code, expected);
    assert.equal(id, null);
  }
});

test('gets nothing for a notification', async () => {
  assert.equal(await client.request('getChainInfo', [], null), undefined);
  const body = JSON.stringify([{ jsonrpc: '2.0', method: 'health' }]);
  const answer = await fetch(url, { method: 'POST', body });
  assert.equal(answer.status, 204);
  assert.equal(await answer.text(), '');
});

test('gets a batch answered by its ids', async () => {
  const batch = [client.request('getBlock', [0], 'a', false), client.request('none', [], 'b', false),
    client.request('health', [], 7, false), client.request('health', [], null, false)];
  const answers = await client.request(batch);
  assert.equal(answers.length, 3);
  const by_id = Object.fromEntries(answers.map(a => [a.id, a]));
  assert.equal(by_id.a.result.height, 0);
  assert.equal(by_id.b.error.code, -32601);
  assert.ok(by_id[7].result.status);
});

test('submits what it signed itself and sees it in a block', async () => {
  const me = wallet(host.seed);
  const account = await call('getAccount', [me.address]);
  const { node } = await call('getChainInfo');
  const before = BigInt((await call('getBalance', [node.address])).balance);
  const tx = transfer(me, { chain_id: account.chain_id, nonce: account.nonce, fee: BigInt(account.base_fee),
    valid_until: account.height + 25, to: node.address, amount: 5n * 10n ** 18n });
  const forged = { ...tx, nonce: tx.nonce + 1 };
  assert.equal(await code('submitTransaction', forged), 1002);
  const { tx_hash } = await call('submitTransaction', tx);
  const found = await until(() => call('getTransaction', [tx_hash]), 'in a block');
  assert.equal(found.ok, true);
  const block = await call('getBlock', { hash: found.block });
  assert.equal(block.transactions[found.index].hash, tx_hash);
  // Until a block is final another may take its place, and the transaction waits for the next.
  await until(async () => (await call('getTransaction', [tx_hash]))?.final, 'final');
  const after_ = BigInt((await call('getBalance', [node.address])).balance);
  assert.ok(after_ > before, `${before} -> ${after_}`);
});

test('asks a model and gets its answer with a proof', async () => {
  const answer = await call('chatCompletion', { model_id: 'small', max_tokens: 8,
    messages: [{ role: 'user', content: 'why do tides turn' }] });
  assert.equal(answer.usage.completion_tokens, 8);
  const { message } = answer.choices[0];
  assert.equal(message.role, 'assistant');
  const tx = await until(() => call('getTransaction', [answer.proof.transaction]), 'in a block');
  assert.ok(tx.payload.includes(message.content_hex));
});

test('reads REST and metrics', async () => {
  const chain = await (await fetch(url + 'chain')).json();
  assert.ok(chain.height >= 0);
  const missing = await fetch(url + 'blocks/99999999');
  assert.equal(missing.status, 404);
  assert.ok((await missing.json()).error);
  const metrics = await fetch(url + 'metrics');
  assert.equal(metrics.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const text = await metrics.text();
  assert.match(text, /^orrery_chain_height \d+$/m);
  assert.match(text, /^orrery_rpc_requests_total\{method="getBlock",result="error"\} 1$/m);
  assert.ok(text.endsWith('\n'));
});
