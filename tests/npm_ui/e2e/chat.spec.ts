import { expect, test } from "p2p-chat-companion/playwright";

const READY = { wait: 10 };

test("each test begins with the first chat state, its own log and no faults", async ({ companion }) => {
  const before = await companion.state.save();
  await companion.say("bob", "Only in this test");
  await companion.faults.arm("lossy");
  expect(await companion.state.save()).not.toEqual(before);
  expect(await companion.journal({ filter: "event:new_message" })).toHaveLength(1);
  await companion.reset();
  expect((await companion.faults.list()).frames).toEqual([]);
  expect(JSON.stringify(await companion.state.save())).not.toContain("Only in this test");
  expect(await companion.journal()).toEqual([]);
});

test("a scenario passes, and fails with its line if the UI does not do what it expects", async ({ page, companion }) => {
  await page.goto("/");
  const played = companion.scenario("wait for all\nalice (types 100ms): Hi\nexpect POST /messages within 10s");
  await expect(page.getByText("Hi", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "alice" }).click();
  const { journal } = await companion.status();
  await page.getByLabel("Message").fill("Hello");
  await companion.expect("typing", { data: { to: "alice", typing: true }, after: journal.last_seq });
  await page.getByLabel("Message").press("Enter");
  const row = await companion.expect("POST /messages", { data: { text: "Hello" }, after: journal.last_seq });
  expect(JSON.parse(row.frame)).toEqual({ to: "alice", text: "Hello" });
  expect(await played).toMatchObject({ state: "passed", met: 2, unmet: 0 });
  const failing = companion.scenario("expect mark_read within 100ms");
  await expect(failing).rejects.toThrow("line 1: expect mark_read within 100ms: not met");
});

test("a REST call fails as the fault says, and the UI shows it", async ({ page, companion }) => {
  await companion.faults.rest("POST /messages", { status: 503, body: JSON.stringify({ error: "Try later" }) });
  await page.goto("/");
  await companion.trigger("friend_online", { data: { username: "bob" }, ...READY });
  await page.getByRole("button", { name: "bob" }).click();
  await page.getByLabel("Message").fill("Hello");
  await page.getByLabel("Message").press("Enter");
  await expect(page.getByRole("alert")).toContainText("Try later");
});

test("the expected state of the UI is compared with what the page shows", async ({ page, companion }) => {
  await page.goto("/");
  await companion.fire("friend_online", { username: "bob" }, READY);
  await expect(page.getByRole("listitem").filter({ hasText: "bob" })).toContainText("online");
  const contacts = await page.getByRole("listitem").evaluateAll((items) =>
    items.map((item) => ({ username: item.querySelector("button")!.textContent, online: / online/.test(item.textContent) })),
  );
  const compare = () => companion.uiState.compare({ contactStore: { contacts } }, { partial: true });
  expect(await compare()).toMatchObject({ equal: true, differences: [] });
  contacts.find((each) => each.username === "bob")!.online = false;
  expect((await compare()).differences).toEqual([
    { path: "contactStore.contacts[bob].online", expected: true, reported: false },
  ]);
});

test("errors are the sentences of the companion", async ({ companion }) => {
  await expect(companion.fireUnchecked("new_mesage", {})).resolves.toMatchObject({ delivered: 0 });
  await expect(companion.request("POST", "/v1/trigger", { body: { event: "new_mesage" } })).rejects.toThrow("new_message");
  await expect(companion.expect("mark_read", { within: 0.1 })).rejects.toThrow("The UI did not send mark_read within 0.1 s");
  await expect(companion.faults.arm("no-such-profile")).rejects.toThrow("no-such-profile");
});

test("all ways to connect are redirected to the companion of the worker", async ({ page, companion }) => {
  await page.goto("/");
  const status = await page.evaluate(async () => {
    const get = async (input: string | URL | Request) => (await (await fetch(input)).json()) as object;
    const xhr = await new Promise<string>((resolve, reject) => {
      const sent = new XMLHttpRequest();
      sent.open("GET", "http://127.0.0.1:8080/status");
      sent.onload = () => resolve(sent.responseText);
      sent.onerror = reject;
      sent.send();
    });
    const socket = new WebSocket("ws://127.0.0.1:8081/events?username=carol");
    await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
    return {
      answers: [
        await get("http://localhost:8080/status"),
        await get(new URL("http://127.0.0.1:8080/status")),
        await get(new Request("http://localhost:8080/status", { headers: { "Content-Type": "application/json" } })),
        JSON.parse(xhr) as object,
      ],
      socket: [socket instanceof WebSocket, socket.readyState === WebSocket.OPEN, socket.url],
      ownPage: (await fetch("/")).status,
    };
  });
  expect(status.answers).toEqual(Array(4).fill(expect.objectContaining({ username: "me" })));
  expect(status.socket).toEqual([true, true, `${companion.eventsUrl}?username=carol`]);
  expect(status.ownPage).toBe(200);
  expect((await companion.status()).clients).toBe(2);
});

test("planted: this test fails, and its report has the log", async ({ page, companion }) => {
  await page.goto("/");
  await companion.say("alice", "The planted message", READY);
  await expect(page.getByText("Something else")).toBeVisible({ timeout: 500 });
});
