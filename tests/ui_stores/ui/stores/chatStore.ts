// Guide §2.1, §2.4 and §6.
import { createStore } from "zustand/vanilla";
import { BUGS, TYPING_TIMEOUT_MS } from "../lib/constants";
import { api } from "../services/api";
import type { Message } from "../types/message";
import { useContactStore } from "./contactStore";

interface ChatState {
  activeChat: string | null;
  messages: Record<string, Message[]>;
  hasMore: Record<string, boolean>;
  loadingMessages: boolean;
  sendingMessage: boolean;
  typingUsers: Record<string, boolean>;
  setActiveChat: (peer: string) => void;
  /** Returns whether the message is new. */
  addMessage: (message: Message) => boolean;
  setTyping: (username: string, typing: boolean) => void;
  fetchMessages: (peer: string, offset: number) => Promise<void>;
  sendMessage: (to: string, text: string) => Promise<void>;
}

export const peerOf = (message: Message): string => (message.direction === "sent" ? message.to : message.from);

const typingTimers: Record<string, ReturnType<typeof setTimeout>> = {};

export const useChatStore = createStore<ChatState>()((set, get) => ({
  activeChat: null,
  messages: {},
  hasMore: {},
  loadingMessages: false,
  sendingMessage: false,
  typingUsers: {},

  setActiveChat: (peer) => set({ activeChat: peer }),

  addMessage: (message) => {
    const peer = peerOf(message);
    const list = get().messages[peer] ?? [];
    if (list.some((each) => each.msg_id === message.msg_id)) return false;
    set((state) => ({ messages: { ...state.messages, [peer]: [...list, message] } }));
    return true;
  },

  setTyping: (username, typing) => {
    if (typingTimers[username]) clearTimeout(typingTimers[username]);
    set((state) => ({ typingUsers: { ...state.typingUsers, [username]: typing } }));
    if (typing && !BUGS.has("typing")) {
      typingTimers[username] = setTimeout(() => {
        set((state) => ({ typingUsers: { ...state.typingUsers, [username]: false } }));
      }, TYPING_TIMEOUT_MS);
    }
  },

  fetchMessages: async (peer, offset) => {
    set({ loadingMessages: true });
    try {
      const page = await api.messages(peer, offset);
      set((state) => ({
        messages: {
          ...state.messages,
          [peer]: offset === 0 ? page.messages : [...page.messages, ...(state.messages[peer] ?? [])],
        },
        hasMore: { ...state.hasMore, [peer]: page.has_more },
      }));
    } finally {
      set({ loadingMessages: false });
    }
  },

  sendMessage: async (to, text) => {
    set({ sendingMessage: true });
    try {
      const { msg_id, delivered, delivery_method } = await api.send(to, text);
      const timestamp = new Date().toISOString();
      get().addMessage({ msg_id, from: "", to, text, timestamp, direction: "sent", delivered, delivery_method });
      useContactStore.getState().updateLastMessage(to, text.trim(), timestamp);
    } finally {
      set({ sendingMessage: false });
    }
  },
}));
