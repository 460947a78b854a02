// Uses the companion that is running, in the way that the arguments name, and prints the answers.
import { startCompanion } from "p2p-chat-companion";

const { url } = process.env;
const companion = await startCompanion({ attach: url ? { url } : true });
const fired = await companion.say("alice", "From another process");
const [row] = await companion.journal({ filter: "event:new_message" });
const refused = await companion.reset().catch((error) => error.message);
await companion.stop(); // does not stop it, because it was not started here
const { pid } = await companion.status();
console.log(JSON.stringify({ pid, fired: fired.seq, row: row.seq, refused }));
