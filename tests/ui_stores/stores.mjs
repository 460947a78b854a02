// The UI's three stores, written from the guide (§2, §6) in the UI's own language, as a second opinion on
// app/protocol/ui_stores.py. Reads one sequence of steps per line from standard input, and prints the stores that result.
// Times are seconds. What the UI's own clock decides is null.
import { createInterface } from "node:readline";

const TYPING_TIMEOUT_S = 5;

class Page {
  constructor(flavour) {
    this.shipped = flavour === "shipped";
    this.chat = { activeChat: null, messages: {}, hasMore: {}, loadingMessages: null, sendingMessage: null, typingUsers: {} };
    this.contacts = [];
    this.ui = { theme: null, sidebarWidth: null, backendConnected: false, wsConnected: false };
    this.timers = {};
  }

  passTo(now) {
    for (const [user, end] of Object.entries(this.timers)) {
      if (end <= now) {
        this.chat.typingUsers[user] = false;
        delete this.timers[user];
      }
    }
  }

  changeContact(username, change) {
    this.contacts = this.contacts.map((c) => (c.username === username ? { ...c, ...change(c) } : c));
  }

  addMessage(message) {
    const peer = message.direction === "sent" ? message.to : message.from;
    const list = this.chat.messages[peer] ?? [];
    if (list.some((m) => m.msg_id === message.msg_id)) return false;
    this.chat.messages = { ...this.chat.messages, [peer]: [...list, message] };
    return true;
  }

  frame({ event, data }, now) {
    switch (event) {
      case "new_message": {
        const added = this.addMessage(data);
        const peer = data.direction === "sent" ? data.to : data.from;
        const name = this.shipped ? data.from : peer;
        this.changeContact(name, () => ({ lastMessage: data.text, lastMessageTime: data.timestamp }));
        const counts = this.shipped || (data.direction === "received" && added);
        if (counts && name !== this.chat.activeChat) {
          this.changeContact(name, (c) => ({ unreadCount: c.unreadCount + 1 }));
        }
        break;
      }
      case "friend_online":
        this.changeContact(data.username, () => ({ online: true }));
        break;
      case "friend_offline":
        this.changeContact(data.username, () => ({ online: false, last_seen: null }));
        break;
      case "typing":
        this.chat.typingUsers = { ...this.chat.typingUsers, [data.username]: data.typing };
        delete this.timers[data.username];
        if (data.typing) this.timers[data.username] = now + TYPING_TIMEOUT_S;
        break;
    }
  }

  click(peer) {
    this.chat.activeChat = peer;
    this.changeContact(peer, () => ({ unreadCount: 0 }));
  }

  fetched(peer, offset, { messages, has_more }) {
    const older = offset === 0 ? [] : this.chat.messages[peer] ?? [];
    this.chat.messages = { ...this.chat.messages, [peer]: [...messages, ...older] };
    this.chat.hasMore = { ...this.chat.hasMore, [peer]: has_more };
  }

  polled(friends) {
    this.contacts = friends.map((friend) => {
      const { lastMessage = null, lastMessageTime = null, unreadCount = 0 } =
        this.contacts.find((c) => c.username === friend.username) ?? {};
      return { ...friend, lastMessage, lastMessageTime, unreadCount };
    });
  }

  added(friend) {
    this.contacts = [...this.contacts, { ...friend, lastMessage: null, lastMessageTime: null, unreadCount: 0 }];
  }

  sent(to, text, { msg_id, delivered, delivery_method }) {
    this.addMessage({ msg_id, from: "", to, text, timestamp: null, direction: "sent", delivered, delivery_method });
    this.changeContact(to, () => ({ lastMessage: text.trim(), lastMessageTime: null }));
  }

  step({ at, kind, ...step }) {
    this.passTo(at);
    switch (kind) {
      case "frame": return this.frame(step.frame, at);
      case "click": return this.click(step.peer);
      case "page": return step.ok ? this.fetched(step.peer, step.offset, step.answer) : undefined;
      case "friends": return step.ok ? this.polled(step.answer) : undefined;
      case "add": return step.ok ? this.added(step.answer) : undefined;
      case "send": return step.ok ? this.sent(step.to, step.text, step.answer) : undefined;
      case "status": this.ui.backendConnected = step.ok; return undefined;
      case "socket": this.ui.wsConnected = step.open; return undefined;
    }
    throw new Error(`unknown step ${kind}`);
  }

  state() {
    return { chatStore: this.chat, contactStore: { contacts: this.contacts }, uiStore: this.ui };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { flavour, steps, end } = JSON.parse(line);
  const page = new Page(flavour);
  for (const step of steps) page.step(step);
  page.passTo(end);
  console.log(JSON.stringify(page.state()));
}
