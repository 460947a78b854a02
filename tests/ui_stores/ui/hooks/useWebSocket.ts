// Guide §6.1: routes events to the stores. A plain function, because the test page has no React.
import { BUGS, FLAVOUR, WS_SAMPLE_MS } from "../lib/constants";
import { websocket } from "../services/websocket";
import { peerOf, useChatStore } from "../stores/chatStore";
import { useContactStore } from "../stores/contactStore";
import { useUIStore } from "../stores/uiStore";
import type { WSEvent } from "../types/events";
import type { Message } from "../types/message";

/** Bug "unread": the contact below the right one. */
function neighbour(username: string): string {
  const { contacts } = useContactStore.getState();
  const index = contacts.findIndex((each) => each.username === username);
  return contacts[(index + 1) % contacts.length]?.username ?? username;
}

function onMessage(message: Message): void {
  const { addMessage, activeChat } = useChatStore.getState();
  const { updateLastMessage, incrementUnread } = useContactStore.getState();
  const isNew = addMessage(message);
  const shipped = FLAVOUR === "shipped";
  const name = shipped ? message.from : peerOf(message);
  updateLastMessage(name, message.text, message.timestamp);
  const counts = shipped || (message.direction === "received" && (isNew || BUGS.has("duplicate")));
  if (counts && name !== activeChat) incrementUnread(BUGS.has("unread") ? neighbour(name) : name);
}

function handleEvent(event: WSEvent): void {
  const { setOnline, setOffline } = useContactStore.getState();
  switch (event.event) {
    case "new_message":
      return onMessage(event.data);
    case "friend_online":
      return setOnline(event.data.username);
    case "friend_offline":
      return setOffline(event.data.username);
    case "typing":
      return useChatStore.getState().setTyping(event.data.username, event.data.typing);
  }
}

export function useWebSocket(): void {
  websocket.subscribe(handleEvent);
  websocket.connect();
  setInterval(() => useUIStore.getState().setWsConnected(websocket.connected), WS_SAMPLE_MS);
}
