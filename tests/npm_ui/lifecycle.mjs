// Starts a companion, prints its process and its folder, and ends in the way that the argument names.
import { startCompanion } from "p2p-chat-companion";

const how = process.argv[2];
const companion = await startCompanion(how === "no-rest" ? { args: ["--no-rest"] } : {});
const { pid } = await companion.status();
console.log(JSON.stringify({ pid, folder: companion.env.COMPANION_DATA_DIR, rest: companion.restUrl }));
if (how === "stop" || how === "no-rest") await companion.stop();
if (how === "throw") throw new Error("a test failed");
if (how === "exit") process.exit(0);
if (how === "wait") setTimeout(() => {}, 60_000); // for a signal
