import { createRoot } from "react-dom/client";
import { afterEach, expect, test, vi } from "vitest";
import { useCompanion } from "p2p-chat-companion/vitest";
import { App } from "../src/App";

const companion = useCompanion();
let close = () => {};
afterEach(() => close());

function open(): (text: string) => Promise<void> {
  const element = document.createElement("div");
  const root = createRoot(element);
  close = () => root.unmount();
  root.render(<App backend={{ rest: companion.restUrl, events: companion.eventsUrl }} />);
  return (text) => vi.waitFor(() => expect(element.textContent).toContain(text), 5_000);
}

test("an event of a friend is shown", async () => {
  const shows = open();
  await companion.say("alice", "Hello from a test", { wait: 10 });
  await shows("Hello from a test");
  await companion.fire("typing", { username: "alice", typing: true });
  await shows("alice online is typing");
});

test("the log begins with the test", async () => {
  expect(await companion.journal({ filter: "event:new_message" })).toEqual([]);
});

test("planted: this test fails, and its report has the log", async () => {
  await companion.say("alice", "The planted message");
  expect("the UI").toBe("correct");
});
