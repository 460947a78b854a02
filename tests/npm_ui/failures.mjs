// Leaves a held message to the next test, and prints what reset() left of it, and what reports of failed tests say.
// Then it names another host in paths, and prints the requests that this host received.
import { createServer } from "node:http";
import { differencesText, journalText, startCompanion } from "p2p-chat-companion";

const hostile = "\u009b31m\u202e ##[error]x";
const companion = await startCompanion();
await companion.request("POST", "/v1/breakpoints", { body: { filter: "event:new_message" } });
const said = companion.say("alice", "held");
await companion.request("GET", "/v1/breakpoints/wait", { query: { within: 20 }, waits: 20 });
await companion.reset();
const held = await companion.request("GET", "/v1/breakpoints/held");
await said;
for (const username of ["alice", "bob", "carol"]) await companion.fire("friend_online", { username });
const rows = await companion.journal();
const [latest, leftOut] = await companion.latest(2);
const steps = [{ session: 1, title: hostile }, { expect: "typing", within: 0.1 }];
const text = steps.map((step) => JSON.stringify(step)).join("\n");
const scenario = await companion.scenario(text, { notation: "lines" }).catch((error) => error.message);
const stepwise = await companion.scenario("alice: hi", { step: true, timeout: 5 }).catch((error) => error.message);
const expectation = async (seq) => {
  const { request } = companion;
  companion.request = async () => ({ row: null, received_instead: [], earlier: { seq } });
  const failed = await companion.expect("typing").catch((error) => error.message);
  companion.request = request;
  return failed.includes(`as row ${seq}.`);
};
const earlier = [await expectation(rows[0].seq), await expectation(rows[0].seq - 1)];
const elsewhere = [];
const other = createServer((request, response) => {
  elsewhere.push(request.url);
  response.end("{}");
}).listen(0, "127.0.0.2");
await new Promise((resolve) => other.once("listening", resolve));
const host = `127.0.0.2:${other.address().port}`;
const refused = [];
for (const path of [`//${host}/x`, `http://${host}/x`, `\\\\${host}/x`]) {
  refused.push(await companion.request("GET", path).catch((error) => error.message));
}
other.close();
await companion.stop();
console.log(
  JSON.stringify({
    elsewhere,
    refused,
    held,
    scenario,
    stepwise,
    earlier,
    state: differencesText([{ path: "chat.activeChat", expected: "alice", reported: hostile }]),
    latest: latest.map((row) => row.seq - rows.at(-1).seq),
    leftOut: leftOut - rows.length,
    first: journalText(latest, 3).split("\n")[0],
  }),
);
