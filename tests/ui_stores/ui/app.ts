// What the components do: load and poll at the start, and react to the user.
import { FRIENDS_POLL_MS, STATUS_POLL_MS } from "./lib/constants";
import { useWebSocket } from "./hooks/useWebSocket";
import { websocket } from "./services/websocket";
import { useChatStore } from "./stores/chatStore";
import { useContactStore } from "./stores/contactStore";
import { useUIStore } from "./stores/uiStore";

export { useChatStore, useContactStore, useUIStore };

const failed = (error: unknown): void => console.error(error);

export const actions = {
  click(peer: string): void {
    const { activeChat, messages, setActiveChat, fetchMessages } = useChatStore.getState();
    if (peer === activeChat) return;
    setActiveChat(peer);
    useContactStore.getState().clearUnread(peer);
    const last = messages[peer]?.at(-1);
    if (last) websocket.send({ event: "mark_read", data: { peer, msg_id: last.msg_id } });
    fetchMessages(peer, 0).catch(failed);
  },
  loadMore(): void {
    const { activeChat, messages, fetchMessages } = useChatStore.getState();
    if (activeChat !== null) fetchMessages(activeChat, messages[activeChat]?.length ?? 0).catch(failed);
  },
  send(text: string): void {
    const { activeChat, sendMessage } = useChatStore.getState();
    if (activeChat !== null) sendMessage(activeChat, text).catch(failed);
  },
  addFriend(username: string): void {
    useContactStore.getState().addFriend(username).catch(failed);
  },
};

export function start(): void {
  const pollFriends = () => void useContactStore.getState().fetchFriends().catch(failed);
  const pollStatus = () => void useUIStore.getState().checkBackend();
  useWebSocket();
  for (let poller = 0; poller < 2; poller++) {
    pollFriends();
    setInterval(pollFriends, FRIENDS_POLL_MS);
  }
  pollStatus();
  setInterval(pollStatus, STATUS_POLL_MS);
}
