// ws, unmodified, follows the blocks of a real node across its restart.
//   node restart.mjs URL      prints "following", waits for the node to go and come back, then for
//   three blocks in a row that link; exit 0.
import WebSocket from 'ws';

const url = process.argv[2].replace('http:', 'ws:') + '/';
const known = new Map();  // height -> hash
let lives = 0;
let fresh = 0;

function follow() {
  const socket = new WebSocket(url);
  socket.on('error', () => {});  // nobody is there: `close` follows
  socket.on('open', () => {
    ++lives;
    fresh = 0;
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscribe', params: ['newBlock'] }));
  });
  socket.on('message', text => {
    const { method, params } = JSON.parse(text);
    if (method !== 'newBlock') return;
    const { height, hash, parent_hash } = params.result;
    const parent = known.get(height - 1);
    // Until it is final a block may give way to another; then the count begins again.
    if (parent && parent !== parent_hash) fresh = 0;
    known.set(height, hash);
    if (lives === 1 && known.size === 2) console.log('following');
    if (lives > 1 && ++fresh === 3) process.exit(0);
  });
  socket.on('close', () => setTimeout(follow, 50));
}
follow();
