// Checked by the compiler only. own-events.ts is what `companion contract typescript` prints with the files in events/.
import { startCompanion } from "p2p-chat-companion";
import type { WSClientEvent, WSEvent } from "./own-events";

export async function own() {
  const companion = await startCompanion<WSEvent, WSClientEvent>({ events: "events" });
  await companion.fire("poll", { question: "Tea?", answers: ["yes", "no"] });
  await companion.fire("typing", { username: "alice", typing: true });
  // @ts-expect-error: the value has another type
  await companion.fire("poll", { question: 1 });
  // @ts-expect-error: there is no such event
  await companion.fire("pool", { question: "Tea?" });
}
