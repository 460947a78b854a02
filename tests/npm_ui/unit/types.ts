// Checked by the compiler only: what the types of the package accept, and what they reject.
import { type Companion, startCompanion } from "p2p-chat-companion";
import { companionTest } from "p2p-chat-companion/playwright";

type Poll = { event: "poll"; data: { question: string; answers?: string[] } };
type Vote = { event: "vote"; data: { answer: number } };

export async function builtIn(companion: Companion) {
  await companion.fire("typing", { username: "alice", typing: true });
  await companion.trigger("new_message", { data: { text: "hi" }, as: "alice" });
  await companion.expect("mark_read", { data: { peer: "alice" } });
  await companion.expect("POST /messages", { data: { text: "hi" } });
  await companion.scenario("alice: hi", { speed: "max" });
  // @ts-expect-error: nothing would request the next step
  await companion.scenario("alice: hi", { step: true });
  // @ts-expect-error: there is no such event
  await companion.fire("poll", { question: "?" });
  // @ts-expect-error: the value has another type
  await companion.fire("typing", { username: "alice", typing: "yes" });
  // @ts-expect-error: a field is missing
  await companion.fire("typing", { username: "alice" });
  // @ts-expect-error: the UI sends no new_message
  await companion.expect("new_message");
  // @ts-expect-error: mark_read has no such field
  await companion.expect("mark_read", { data: { peers: "alice" } });
}

export async function own() {
  await using companion = await startCompanion<Poll, Vote>();
  await companion.fire("poll", { question: "?" });
  await companion.expect("vote", { data: { answer: 1 } });
  // @ts-expect-error: the contract of these types has no typing
  await companion.fire("typing", { username: "alice", typing: true });
  // @ts-expect-error: the value has another type
  await companion.expect("vote", { data: { answer: "1" } });
}

// The names of the two keys of a frame do not matter.
export async function otherKeys(companion: Companion<{ type: "poll"; payload: { question: string } }>) {
  await companion.fire("poll", { question: "?" });
  // @ts-expect-error: the field has another name
  await companion.fire("poll", { text: "?" });
}

companionTest<Poll, Vote>()("typed", async ({ companion }) => {
  await companion.fire("poll", { question: "?" });
  // @ts-expect-error: the contract of these types has no typing
  await companion.fire("typing", { username: "alice", typing: true });
});
