// A server with Node's package `ws` in its usual form, without compression. Prints "ready PORT". Commands and responses
// are those of servers/commands.py: paced, tick and rate.
import { openSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { WebSocketServer } = createRequire(`${process.env.BENCH_NODE_MODULES ?? process.cwd()}/`)("ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
const page = Buffer.alloc(8);
let ledger, sent, due;

const slowest = () => (readSync(ledger, page, 0, 8, 0), page.readBigUInt64LE());
const pad = (number, width) => String(number).padStart(width, "0");

function publish(stamp = process.hrtime.bigint()) {
  const text = `@${pad(sent++, 10)}:${pad(stamp, 20)} hello`;
  const data = { msg_id: "0b5c9f7e-3f5e-4a0e-9d59-2f5b0a6f1c11", from: "alice", to: "me", text,
    timestamp: "2026-01-01T12:00:00Z", direction: "received", delivered: true, delivery_method: "direct" };
  const frame = JSON.stringify({ event: "new_message", data });
  for (const client of server.clients) client.send(frame);
}

const done = () => console.log(JSON.stringify({ sent, due: Math.max(sent, due) }));

function loop(batch, window, end) {
  if (process.hrtime.bigint() >= end) return done();
  if (sent % 32 === 0 && BigInt(sent) - slowest() >= window) return setTimeout(loop, 1, batch, window, end);
  for (let i = 0; i < batch; i++) publish();
  setImmediate(loop, batch, window, end);
}

function rate(step, start) {
  const at = () => start + step * BigInt(sent);
  for (let i = 0; i < 20 && sent < due && at() <= process.hrtime.bigint(); i++) publish(at());
  const early = Number(at() - process.hrtime.bigint()) / 1e6;
  if (sent === due || process.hrtime.bigint() >= start + step * BigInt(due) + 50000000n) return done();
  if (early > 0) setTimeout(rate, early, step, start);
  else setImmediate(rate, step, start);
}

function obey(line) {
  const [verb, a, b] = line.split(" ");
  sent = due = 0;
  const now = process.hrtime.bigint();
  if (verb === "ledger") (ledger = openSync(a, "r")), done();
  else if (verb === "rate") (due = (Number(a) * Number(b)) / 1000), rate(BigInt(1e9) / BigInt(a), now);
  else loop(verb === "tick" ? 20 : 1, BigInt(b), now + BigInt(a) * 1000000n);
}

server.on("listening", () => console.log(`ready ${server.address().port}`));
createInterface({ input: process.stdin }).on("line", obey).on("close", () => process.exit(0));
