// Starts a companion with event files, writes the types of its events to a file, and fires one of them.
import { execFileSync } from "node:child_process";
import { startCompanion } from "p2p-chat-companion";

const companion = await startCompanion({ events: "events" });
const command = ["contract", "typescript", "--output", process.argv[2]];
execFileSync(process.env.COMPANION_COMMAND, command, { env: { ...process.env, ...companion.env } });
const { seq } = await companion.fire("poll", { question: "Tea?" });
const rejected = await companion.fire("poll", { question: 1 }).catch((error) => error.message);
await companion.stop();
console.log(JSON.stringify({ seq, rejected }));
