// Reports the stores to P2P Chat Companion after each change, in development builds only.
// Import it once: import "./companion-reporter" in main.tsx. Adapt the paths to your project.
import { API_BASE_URL } from "./lib/constants";
import { useChatStore } from "./stores/chatStore";
import { useContactStore } from "./stores/contactStore";
import { useUIStore } from "./stores/uiStore";

const stores = { chatStore: useChatStore, contactStore: useContactStore, uiStore: useUIStore };
const MAX_PAUSE_MS = 30_000;
let changed = false;
let reporting = false;

async function post(): Promise<boolean> {
  const state = Object.entries(stores).map(([name, store]) => [name, store.getState()]);
  try {
    const body = JSON.stringify(Object.fromEntries(state));
    const headers = { "Content-Type": "application/json" };
    return (await fetch(`${API_BASE_URL}/_companion/ui-state`, { method: "POST", headers, body })).ok;
  } catch {
    return false; // no companion
  }
}

async function report(): Promise<void> {
  if (reporting) return;
  reporting = true;
  for (let pause = 1_000; changed; ) {
    changed = false;
    if (await post()) { // the companion delays its answer, so that a burst of changes is one report
      pause = 1_000;
    } else {
      changed = true;
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(2 * pause, MAX_PAUSE_MS);
    }
  }
  reporting = false;
}

function onChange(): void {
  changed = true;
  queueMicrotask(report);
}

if (import.meta.env.DEV) {
  for (const store of Object.values(stores)) store.subscribe(onChange);
  onChange();
}
