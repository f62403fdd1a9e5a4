// Starts the simulated network with a real RPC server, and signs transactions as the chain wants
// them: written from the format's description, not from our code.
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { createInterface } from 'node:readline';

const WAIT_MS = 60_000;

export async function startHost() {
  const child = spawn(process.env.ORRERY_RPC_HOST, ['--speed', '40', '--seconds', '300'],
    { stdio: ['pipe', 'pipe', 'inherit'] });
  const line = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', code => reject(new Error(`rpc_host ended with ${code}`)));
  });
  const stop = () => new Promise(resolve => {
    child.once('exit', resolve);
    child.stdin.end();
  });
  return { ...JSON.parse(line), stop };
}

export async function until(condition, what) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not in ${WAIT_MS} ms`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

const le = (value, bytes) => {
  const out = Buffer.alloc(bytes);
  let rest = BigInt(value);
  for (let i = 0; i < bytes; i++, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
};
const counted = bytes => Buffer.concat([le(bytes.length, 4), bytes]);
const sha256 = bytes => crypto.createHash('sha256').update(bytes).digest();

export function wallet(seedHex) {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');  // PKCS #8 of Ed25519
  const secret = crypto.createPrivateKey({ key: Buffer.concat([prefix, Buffer.from(seedHex, 'hex')]),
    format: 'der', type: 'pkcs8' });
  const key = crypto.createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32);
  const address = sha256(Buffer.concat([Buffer.from('orrery/address/1'), key])).subarray(0, 20);
  return { secret, key, address: address.toString('hex') };
}

// A transfer as an object of fields, signed over the canonical bytes.
export function transfer(from, { chain_id, nonce, fee, valid_until, to, amount }) {
  const payload = Buffer.concat([Buffer.from(to, 'hex'), le(amount, 16)]);
  const body = Buffer.concat([le(1, 1), counted(Buffer.from(chain_id)), Buffer.from(from.address, 'hex'),
    le(nonce, 8), le(fee, 16), le(valid_until, 8), le(1, 2), counted(payload)]);
  const message = Buffer.concat([counted(Buffer.from('orrery/transaction/1')),
    counted(Buffer.from(chain_id)), body]);
  return { chain_id, sender: from.address, nonce, fee: String(fee), valid_until, type: 'transfer',
    payload: payload.toString('hex'), public_key: from.key.toString('hex'),
    signature: crypto.sign(null, message, from.secret).toString('hex') };
}
