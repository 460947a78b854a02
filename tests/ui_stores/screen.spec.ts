// The helper of the manual reads what the page shows, and finds what a bug shows.
import { expect, test } from "@playwright/test";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { differences, expectScreen, readScreen, type Selectors } from "./ui-state";

process.env.COMPANION_DATA_DIR ??= `test-results/companion-${randomUUID()}`;
process.env.COMPANION_TOKEN ??= randomUUID();
let server: ChildProcess;

test.beforeEach(async () => {
  server = spawn("companion", ["serve"], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: server.stdout! })) if (line.startsWith("control ")) break;
});
test.afterEach(async () => {
  server.kill();
  await new Promise((resolve) => server.once("exit", resolve));
});

const run = promisify(execFile);
const fire = (...event: string[]) => run("companion", ["trigger", ...event, "--wait", "10"]);

const screen: Selectors = {
  contacts: {
    each: ".contact-item",
    username: ".name",
    online: { exists: ".dot.online" },
    lastMessage: ".preview",
    unreadCount: ".unread",
    typing: { exists: ".typing" },
  },
  activeChat: "#peer",
  messages: { each: "#messages li", text: ".text", msg_id: { attribute: "data-id", of: ":scope" } },
  backendConnected: { exists: "#badge.connected" },
};

test("a correct page shows what is expected", async ({ page }) => {
  await page.goto("http://localhost:1420");
  await fire("new_message", "--as", "alice", "--set", "text=  two words ");
  await fire("typing", "--as", "bob", "--set", "typing=true");
  await page.click("text=bob");
  await page.fill("#compose input", "hello");
  await page.press("#compose input", "Enter");
  await expect(page.locator("#messages")).toContainText("hello");
  const options = { ...screen, contacts: { each: ".contact-item", username: ".name", typing: { exists: ".typing" } } };
  expect(await readScreen(page, options)).toMatchObject({
    chatStore: { activeChat: "bob", typingUsers: { alice: false, bob: true } },
    uiStore: { backendConnected: true },
  });
  const read = await readScreen(page, { contacts: { each: "li", username: { exists: ":scope.contact-item" } } });
  expect((read as { contactStore: { contacts: object[] } }).contactStore.contacts).toContainEqual({ username: true });
});

test("the screen is compared with the expected state", async ({ page }) => {
  await page.goto("http://localhost:1420");
  await fire("new_message", "--as", "alice", "--set", "text=hi");
  await expectScreen(page, screen);
  await page.click("text=alice");
  await expectScreen(page, screen);
  await page.fill("#compose input", "hello");
  await page.press("#compose input", "Enter");
  await expect(page.locator("#messages")).toContainText("hello");
  await expectScreen(page, screen);
  await page.evaluate(() => document.querySelector("#messages li")?.remove());
  expect((await differences(await readScreen(page, screen))).length).toBeGreaterThan(0);
  expect(await differences(await readScreen(page, { contacts: screen.contacts! }))).toEqual([]);
  await expect(differences({ uiStore: { wsConnected: true } }, "--client", "99")).rejects.toThrow("Client 99 is unknown");
});

test("a planted bug is found on the screen", async ({ page }) => {
  await page.goto("http://localhost:1420/?bugs=unread");
  await fire("new_message", "--as", "alice", "--set", "text=hi");
  await expect(expectScreen(page, screen)).rejects.toThrow("unreadCount");
});
