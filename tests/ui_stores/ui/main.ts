// The page in a browser: shows the stores, and passes clicks and texts to the actions.
import { actions, start, useChatStore, useContactStore, useUIStore } from "./app";

declare global {
  interface Window {
    stores: { chatStore: typeof useChatStore; contactStore: typeof useContactStore; uiStore: typeof useUIStore };
    actions: typeof actions;
  }
}
window.stores = { chatStore: useChatStore, contactStore: useContactStore, uiStore: useUIStore };
window.actions = actions;

function find<T extends HTMLElement>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`${selector} is missing`);
  return found;
}

function element(tag: string, className: string, ...children: (string | Node)[]): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

function render(): void {
  const { activeChat, messages, typingUsers } = useChatStore.getState();
  const { contacts } = useContactStore.getState();
  const { backendConnected } = useUIStore.getState();
  find("#badge").textContent = backendConnected ? "Connected" : "Disconnected";
  find("#badge").className = backendConnected ? "connected" : "";
  const sorted = contacts.toSorted((one, other) => one.username.localeCompare(other.username));
  find("#contacts").replaceChildren(
    ...sorted.map((each) => {
      const item = element("li", "contact-item", element("b", "name", each.username));
      item.append(element("span", each.online ? "dot online" : "dot", each.online ? "●" : "○"));
      if (each.lastMessage) item.append(element("span", "preview", each.lastMessage));
      if (each.unreadCount) item.append(element("span", "unread", String(each.unreadCount)));
      if (typingUsers[each.username]) item.append(element("i", "typing", "typing…"));
      item.onclick = () => actions.click(each.username);
      return item;
    }),
  );
  find("#peer").textContent = activeChat ?? "";
  const shown = activeChat === null ? [] : (messages[activeChat] ?? []);
  find("#messages").replaceChildren(
    ...shown.map((each) => {
      const item = element("li", `message ${each.direction}`, element("span", "text", each.text));
      item.dataset["id"] = each.msg_id;
      return item;
    }),
  );
}

find<HTMLFormElement>("#compose").onsubmit = (event) => {
  event.preventDefault();
  const field = find<HTMLInputElement>("#compose input");
  actions.send(field.value);
  field.value = "";
};
for (const store of [useChatStore, useContactStore, useUIStore]) store.subscribe(render);
render();
start();
