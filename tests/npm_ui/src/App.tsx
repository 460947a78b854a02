import { type FormEvent, useEffect, useRef, useState } from "react";
import { type Backend, type Friend, type Message, call, listen } from "./backend";

type Chats = Record<string, Message[]>;

export function App({ backend }: { backend: Backend }) {
  const [friends, setFriends] = useState<Friend[]>([]);
  const [chats, setChats] = useState<Chats>({});
  const [typing, setTyping] = useState<Record<string, boolean>>({});
  const [open, setOpen] = useState<string>();
  const [error, setError] = useState("");
  const socket = useRef<ReturnType<typeof listen>>(undefined);

  const add = (peer: string, message: Message) =>
    setChats((before) => ({ ...before, [peer]: [...(before[peer] ?? []), message] }));

  useEffect(() => {
    const setOnline = (username: string, online: boolean) =>
      setFriends((before) => before.map((each) => (each.username === username ? { ...each, online } : each)));
    const connection = listen(backend, (event) => {
      if (event.event === "new_message") add(event.data.from, event.data);
      if (event.event === "friend_online") setOnline(event.data.username, true);
      if (event.event === "friend_offline") setOnline(event.data.username, false);
      if (event.event === "typing") {
        const { username, typing } = event.data;
        setTyping((before) => ({ ...before, [username]: typing }));
      }
    });
    socket.current = connection;
    call<Friend[]>(backend, "GET", "/friends").then(setFriends, (failed) => setError(String(failed)));
    return connection.close;
  }, [backend]);

  async function send(form: FormEvent<HTMLFormElement>) {
    form.preventDefault();
    const field = form.currentTarget.elements.namedItem("text") as HTMLInputElement;
    const text = field.value;
    field.value = "";
    try {
      const { msg_id } = await call<Message>(backend, "POST", "/messages", { to: open, text });
      add(open!, { msg_id, text, direction: "sent" });
    } catch (failed) {
      setError((failed as Error).message);
    }
  }

  return (
    <main>
      {error && <p role="alert">{error}</p>}
      <ul aria-label="Contacts">
        {friends.map(({ username, online }) => (
          <li key={username}>
            <button onClick={() => setOpen(username)}>{username}</button> {online ? "online" : "offline"}
            {typing[username] && " is typing"} <em>{chats[username]?.at(-1)?.text}</em>
          </li>
        ))}
      </ul>
      {open && (
        <section aria-label={`Chat with ${open}`}>
          <ol>{chats[open]?.map((each) => <li key={each.msg_id}>{each.text}</li>)}</ol>
          <form onSubmit={(form) => void send(form)}>
            <input
              name="text"
              aria-label="Message"
              onChange={() => socket.current?.send({ event: "typing", data: { to: open, typing: true } })}
            />
          </form>
        </section>
      )}
    </main>
  );
}
