// The backend of the UI: REST calls, and the socket of events.
import type { WSClientEvent, WSEvent } from "p2p-chat-companion";

export interface Backend {
  rest: string;
  events: string;
}

export interface Friend {
  username: string;
  online: boolean;
}

export interface Message {
  msg_id: string;
  text: string;
  direction: "received" | "sent";
}

export async function call<Answer>({ rest }: Backend, method: string, path: string, body?: object): Promise<Answer> {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(rest + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const content = (await answer.json()) as Answer & { error?: string };
  if (!answer.ok) throw new Error(content.error);
  return content;
}

export function listen({ events }: Backend, onEvent: (event: WSEvent) => void) {
  const socket = new WebSocket(events);
  socket.onmessage = ({ data }) => onEvent(JSON.parse(data as string) as WSEvent);
  return {
    send: (event: WSClientEvent) => socket.send(JSON.stringify(event)),
    close: () => socket.close(),
  };
}
