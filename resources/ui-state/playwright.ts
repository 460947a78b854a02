// Reads what a page shows, by a map of selectors, and compares it with the state that P2P Chat Companion expects.
import { expect, type Page } from "@playwright/test";
import { execFile } from "node:child_process";

/**
 * Where a value is: a selector (its text), an attribute, or whether an element exists. In a list, selectors are
 * relative to the item; one that begins with :scope is about the item itself.
 */
export type Where = string | { attribute: string; of?: string } | { exists: string };

/** What is on the screen, and where. Leave out what your UI does not show: only the rest is compared. */
export interface Selectors {
  contacts?: {
    each: string;
    username: Where;
    online?: Where;
    lastMessage?: Where;
    unreadCount?: Where;
    typing?: Where;
  };
  activeChat?: Where;
  /** Messages of the open chat. Needs activeChat. */
  messages?: { each: string; msg_id?: Where; from?: Where; text?: Where; direction?: Where; delivered?: Where };
  backendConnected?: Where;
  wsConnected?: Where;
}

export interface Difference {
  path: string;
  expected: unknown;
  reported: unknown;
}

/** Return the part of the stores that the page shows. */
export function readScreen(page: Page, selectors: Selectors): Promise<object> {
  return page.evaluate((map) => {
    type Item = Record<string, string | number | boolean | null>;
    const find = (root: ParentNode, selector: string): Element | null => {
      if (!selector.startsWith(":scope")) return root.querySelector(selector);
      return root instanceof Element && root.matches(selector.replace(":scope", "*")) ? root : null;
    };
    const read = (root: ParentNode, where: Where): string | boolean => {
      if (typeof where === "string") return find(root, where)?.textContent.trim() ?? "";
      if ("exists" in where) return find(root, where.exists) !== null;
      return find(root, where.of ?? ":scope")?.getAttribute(where.attribute) ?? "";
    };
    const items = (list: { each: string }): Item[] =>
      [...document.querySelectorAll(list.each)].map((item) => {
        const values = Object.entries(list).filter(([name]) => name !== "each");
        return Object.fromEntries(values.map(([name, where]) => [name, read(item, where as Where)]));
      });

    const chatStore: Record<string, unknown> = {};
    const contactStore: Record<string, unknown> = {};
    const uiStore: Record<string, unknown> = {};
    if (map.contacts) {
      const contacts = items(map.contacts);
      if (map.contacts.typing) {
        chatStore["typingUsers"] = Object.fromEntries(contacts.map((each) => [each["username"], each["typing"]]));
      }
      for (const each of contacts) {
        delete each["typing"];
        if (map.contacts.unreadCount) each["unreadCount"] = Number(each["unreadCount"]);
      }
      contactStore["contacts"] = contacts;
    }
    if (map.activeChat) {
      const peer = String(read(document, map.activeChat));
      chatStore["activeChat"] = peer || null;
      if (map.messages && peer) chatStore["messages"] = { [peer]: items(map.messages) };
    }
    for (const name of ["backendConnected", "wsConnected"] as const) {
      if (map[name]) uiStore[name] = read(document, map[name]);
    }
    return { chatStore, contactStore, uiStore };
  }, selectors);
}

/** Return the values in a part of the stores that differ from the expected state. */
export function differences(state: object, ...options: string[]): Promise<Difference[]> {
  return new Promise((resolve, reject) => {
    const command = ["ui-state", "compare", "-", "--partial", "--json", ...options];
    const child = execFile("companion", command, (error, stdout, stderr) => {
      if (stdout) resolve((JSON.parse(stdout) as { differences: Difference[] }).differences);
      else reject(new Error(stderr || String(error)));
    });
    child.stdin?.end(JSON.stringify(state));
  });
}

/** Wait until the page shows the expected state. Options are those of companion ui-state compare. */
export async function expectScreen(page: Page, selectors: Selectors, ...options: string[]): Promise<void> {
  await expect(async () => {
    expect(await differences(await readScreen(page, selectors), ...options)).toEqual([]);
  }).toPass({ timeout: 5_000 });
}
