// ws, unmodified: a WebSocket client.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { startHost, until } from './host.mjs';

let host;
before(async () => { host = await startHost(); });
after(() => host.stop());

// A connection that keeps its events and matches answers with calls.
async function connect(options = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${host.port}/`, options);
  const waiting = new Map(), heard = [], stray = [];
  let next = 1;
  socket.on('message', data => {
    const frame = JSON.parse(data);
    if (frame.method) heard.push(frame);
    else if (waiting.has(frame.id)) waiting.get(frame.id)(frame);
    else stray.push(frame);
  });
  await once(socket, 'open');
  const call = (method, params = []) => new Promise(resolve => {
    waiting.set(next, resolve);
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: next++, method, params }));
  });
  const close = async () => { socket.close(1000); return (await once(socket, 'close'))[0]; };
  return { socket, heard, stray, call, close };
}

test('block events are linked, until they are unsubscribed', async () => {
  const c = await connect();
  const id = (await c.call('subscribe', ['newBlock'])).result;
  await until(() => c.heard.length >= 6, 'six blocks');
  let last = null;
  for (const { method, params } of c.heard) {
    assert.equal(params.subscription, id);
    const b = params.result;
    if (method === 'reorg') { last = { height: b.to.height, hash: b.to.hash }; continue; }
    if (last) {
      assert.equal(b.height, last.height + 1);
      assert.equal(b.parent_hash, last.hash);
    }
    last = b;
  }
  assert.equal((await c.call('unsubscribe', [id])).result, true);
  const count = c.heard.length;
  const { height } = (await c.call('getChainInfo')).result;
  await until(async () => (await c.call('getChainInfo')).result.height > height, 'one more block');
  assert.equal(c.heard.length, count);
  assert.equal(await c.close(), 1000);
});

test('a chat tells its progress and ends with its answer', async () => {
  const c = await connect();
  await c.call('subscribe', ['inferenceProgress', { request_id: 'r1' }]);
  await c.call('subscribe', ['transaction', { type: 'reveal' }]);
  await c.call('subscribe', ['networkStatus']);
  const answer = await c.call('chatCompletion', { model_id: 'small', request_id: 'r1', max_tokens: 6,
    messages: [{ role: 'user', content: 'how many gears' }] });
  assert.equal(answer.result.usage.completion_tokens, 6);
  const of = method => c.heard.filter(f => f.method === method).map(f => f.params.result);
  assert.deepEqual(of('inferenceProgress').map(p => p.status),
    ['queued', 'assigned', 'committed', 'revealed', 'completed']);
  assert.ok(of('transaction').some(tx => tx.hash === answer.result.proof.transaction));
  assert.ok(of('networkStatus').every(s => s.peers > 0 && s.height > 0));
  await c.close();
});

test('values under a path change from one to the next', async () => {
  const c = await connect();
  await c.call('subscribe', ['valueChanged', { path: '/pools/rewards' }]);
  await until(() => c.heard.length >= 3, 'three changes');
  c.heard.slice(1).forEach((frame, i) =>
    assert.equal(frame.params.result.before, c.heard[i].params.result.after));
  await c.close();
});

test('bad JSON is answered and the connection kept; unknown events are named', async () => {
  const c = await connect();
  c.socket.send('{nonsense');
  c.socket.send('[]');
  await until(() => c.stray.length === 2, 'two errors');
  assert.deepEqual(c.stray.map(f => f.error.code), [-32700, -32600]);
  assert.equal((await c.call('subscribe', ['noSuchEvent'])).error.code, -32602);
  assert.ok((await c.call('health')).result);
  await c.close();
});

test('fragments are put together, pings answered', async () => {
  const c = await connect();
  const text = JSON.stringify({ jsonrpc: '2.0', id: 'f', method: 'getBlock', params: [0] });
  c.socket.send(text.slice(0, 10), { fin: false });
  c.socket.ping('between');
  c.socket.send(text.slice(10, 20), { fin: false });
  c.socket.send(text.slice(20), { fin: true });
  const [payload] = await once(c.socket, 'pong');
  assert.equal(payload.toString(), 'between');
  await until(() => c.stray.length === 1, 'the answer');
  assert.equal(c.stray[0].result.height, 0);
  await c.close();
});

test('binary and oversized messages end the connection with the right code', async () => {
  const closed = async send => {
    const c = await connect();
    c.socket.on('error', () => {});  // the server may close before all was sent
    send(c.socket);
    return (await once(c.socket, 'close'))[0];
  };
  assert.equal(await closed(s => s.send(Buffer.from([1, 2, 3]))), 1003);
  // The end comes while we still send, so a reset may overtake the close frame: 1006, once in a
  // while. The code must come all the same when it is asked for again.
  let code = 1006;
  for (let i = 0; i < 5 && code === 1006; ++i) {
    code = await closed(s => s.send('x'.repeat((1 << 20) + 1)));
  }
  assert.equal(code, 1009);
});

test('pages of elsewhere are refused', async () => {
  for (const options of [{ origin: 'http://evil.example' }, { headers: { Host: 'evil.example' } }]) {
    const socket = new WebSocket(`ws://127.0.0.1:${host.port}/`, options);
    const [error] = await once(socket, 'error');
    assert.match(error.message, /403/);
  }
  const same = await connect({ origin: `http://127.0.0.1:${host.port}` });
  await same.close();
});
