// Guide §2.1 to §2.3, §3.2 and §6.
import { createStore } from "zustand/vanilla";
import { api } from "../services/api";
import type { Contact, Friend } from "../types/contact";

interface ContactState {
  contacts: Contact[];
  setOnline: (username: string) => void;
  setOffline: (username: string) => void;
  updateLastMessage: (username: string, text: string, time: string) => void;
  incrementUnread: (username: string) => void;
  clearUnread: (username: string) => void;
  fetchFriends: () => Promise<void>;
  addFriend: (username: string) => Promise<void>;
}

const fresh = (friend: Friend): Contact => ({ ...friend, lastMessage: null, lastMessageTime: null, unreadCount: 0 });

export const useContactStore = createStore<ContactState>()((set) => {
  const change = (username: string, changed: (contact: Contact) => Partial<Contact>) =>
    set((state) => ({
      contacts: state.contacts.map((each) => (each.username === username ? { ...each, ...changed(each) } : each)),
    }));

  return {
    contacts: [],

    setOnline: (username) => change(username, () => ({ online: true })),
    setOffline: (username) => change(username, () => ({ online: false, last_seen: new Date().toISOString() })),
    updateLastMessage: (username, text, time) =>
      change(username, () => ({ lastMessage: text, lastMessageTime: time })),
    incrementUnread: (username) => change(username, (each) => ({ unreadCount: each.unreadCount + 1 })),
    clearUnread: (username) => change(username, () => ({ unreadCount: 0 })),

    fetchFriends: async () => {
      const friends = await api.friends();
      set((state) => ({
        contacts: friends.map((friend) => {
          const known = state.contacts.find((each) => each.username === friend.username);
          if (!known) return fresh(friend);
          const { lastMessage, lastMessageTime, unreadCount } = known;
          return { ...friend, lastMessage, lastMessageTime, unreadCount };
        }),
      }));
    },

    addFriend: async (username) => {
      const friend = await api.addFriend(username);
      set((state) => ({ contacts: [...state.contacts, fresh(friend)] }));
    },
  };
});
