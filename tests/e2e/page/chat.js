// What the real chat UI does with its backend: its calls, its rules for events (guide §2), and its ways to go blank.
// ?rest=PORT &events=PORT &poll=MS (between two looks at /friends) &user=NAME (the user that the event socket acts as)
"use strict";

const asked = new URLSearchParams(location.search);
const API = `http://127.0.0.1:${asked.get("rest") ?? 8080}`;
const EVENTS = `ws://127.0.0.1:${asked.get("events") ?? 8081}/events`
  + (asked.has("user") ? `?username=${encodeURIComponent(asked.get("user"))}` : "");
const POLL_MS = Number(asked.get("poll") ?? 10_000);
const PAGE = 50;
const TYPING_TIMEOUT_MS = 5_000;
const RECONNECT_MS = 3_000;
const MAX_ATTEMPTS = 10;

const chat = { me: "", contacts: [], messages: {}, typing: {}, active: null, hasMore: false, attempts: 0 };
const seen = { frames: [], polls: 0, opened: 0, histories: 0 }; // for the tests

const found = {};
const $ = (selector) => found[selector] ??= document.querySelector(selector); // a page gone blank still works

// REST

async function call(method, path, body) {
  const answer = await fetch(API + path, {
    method,
    headers: { "Content-Type": "application/json" }, // so every call is preflighted
    body: body && JSON.stringify(body),
  });
  const content = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

async function told(work) { // what went wrong comes in a dialog
  try {
    return await work();
  } catch (error) {
    $("#error p").textContent = error.message;
    if (!$("#error").open) $("#error").showModal();
    return undefined;
  }
}

async function loadStatus() {
  try {
    chat.me = (await call("GET", "/status")).username;
    $("#badge").textContent = "Connected";
  } catch {
    $("#badge").textContent = "Disconnected";
  }
  $("#me").textContent = chat.me;
}

async function loadFriends() {
  let friends;
  try {
    friends = await call("GET", "/friends");
  } catch {
    return;
  }
  const before = Object.fromEntries(chat.contacts.map((each) => [each.username, each]));
  chat.contacts = friends.map((each) => {
    const { unread = 0, preview = "" } = before[each.username] ?? {};
    return { ...each, unread, preview, seen: new Date(each.last_seen).toISOString() }; // throws for what is no time
  });
  seen.polls += 1;
  render();
}

const pathOfMessages = (peer, offset) =>
  `/messages?peer=${encodeURIComponent(peer)}&limit=${PAGE}&offset=${offset}`;

async function openChat(peer) {
  if (!chat.messages[peer]) { // the real UI goes blank here: an endless render loop
    document.body.replaceChildren();
    return;
  }
  chat.active = peer;
  contact(peer).unread = 0;
  const page = await told(() => call("GET", pathOfMessages(peer, 0)));
  if (page) {
    chat.messages[peer] = page.messages;
    chat.hasMore = page.has_more;
    seen.histories += 1;
  }
  render();
}

async function loadOlder() {
  const shown = chat.messages[chat.active];
  const page = await told(() => call("GET", pathOfMessages(chat.active, shown.length)));
  if (page) {
    const known = new Set(shown.map((each) => each.msg_id));
    chat.messages[chat.active] = [...page.messages.filter((each) => !known.has(each.msg_id)), ...shown];
    chat.hasMore = page.has_more;
  }
  render();
}

async function post(text) {
  const to = chat.active;
  const answer = await told(() => call("POST", "/messages", { to, text }));
  if (answer) {
    const { msg_id, timestamp, delivered, delivery_method } = answer;
    addMessage({ msg_id, from: chat.me, to, text, timestamp, direction: "sent", delivered, delivery_method });
    render();
  }
}

async function addFriend(username) {
  if (await told(() => call("POST", "/friends", { username }))) await loadFriends();
}

// events

const contact = (name) => chat.contacts.find((each) => each.username === name) ?? {};

function addMessage(message) {
  const peer = message.direction === "sent" ? message.to : message.from;
  chat.messages[peer] ??= [];
  if (chat.messages[peer].some((each) => each.msg_id === message.msg_id)) return;
  chat.messages[peer].push(message);
}

function setTyping(username, typing) {
  clearTimeout(chat.typing[username]);
  delete chat.typing[username];
  if (typing) chat.typing[username] = setTimeout(() => { setTyping(username, false); render(); }, TYPING_TIMEOUT_MS);
}

const handlers = {
  new_message(data) {
    addMessage(data);
    const sender = contact(data.from);
    sender.preview = data.text;
    if (data.direction !== "sent" && data.from !== chat.active) sender.unread += 1;
  },
  friend_online({ username }) { contact(username).online = true; },
  friend_offline({ username }) { contact(username).online = false; },
  typing({ username, typing }) { setTyping(username, typing); },
};

function connect() {
  const socket = new WebSocket(EVENTS);
  socket.onopen = () => { chat.attempts = 0; seen.opened += 1; };
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    seen.frames.push(frame);
    handlers[frame.event](frame.data);
    render();
  };
  socket.onclose = () => {
    if (chat.attempts < MAX_ATTEMPTS) setTimeout(connect, RECONNECT_MS * 1.5 ** chat.attempts++);
  };
}

// what is shown

function element(tag, attributes, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

function fill(list, values, make) {
  const shown = JSON.stringify(values);
  if (list.shown === shown) return; // so that what has not changed stays where it is
  list.shown = shown;
  list.replaceChildren(...values.map(make));
}

function render() {
  const contacts = chat.contacts.map((each) => ({ ...each, typing: each.username in chat.typing }));
  fill($("#contacts"), contacts, ({ username, online, unread, typing, preview }) => element(
    "li",
    { id: `contact-${username}`, className: `contact-item ${online ? "online" : "offline"}`, onclick: () => openChat(username) },
    element("b", { textContent: username }), " ",
    element("span", { className: "unread", textContent: unread || "" }), " ",
    element("i", { className: "typing", textContent: typing ? "typing…" : "" }), " ",
    element("span", { className: "preview", textContent: preview }),
  ));
  $("#peer").textContent = chat.active ?? "";
  $("#older").hidden = !chat.hasMore;
  fill($("#messages"), chat.messages[chat.active] ?? [], ({ direction, text, msg_id }) => element(
    "li", { className: direction, textContent: text, title: msg_id },
  ));
}

function submits(form, act) {
  $(form).onsubmit = (event) => {
    event.preventDefault();
    const [field] = event.target.elements;
    act(field.value);
    field.value = "";
  };
}

submits("#add", addFriend);
submits("#compose", post);
$("#older").onclick = loadOlder;
loadStatus();
loadFriends();
setInterval(loadStatus, POLL_MS * 0.6);
setInterval(loadFriends, POLL_MS);
connect();
