// Guide §1 and §6.4: one connection, which reconnects with exponential backoff.
import { BUGS, WS_MAX_RECONNECT_ATTEMPTS, WS_RECONNECT_DELAY_MS, WS_URL } from "../lib/constants";
import type { WSClientEvent, WSEvent } from "../types/events";

type Handler = (event: WSEvent) => void;

class WebSocketService {
  private ws: WebSocket | null = null;
  private handlers = new Set<Handler>();
  private reconnectAttempts = 0;
  private reconnectTimer: ReturnType<typeof setTimeout> | undefined;

  get connected(): boolean {
    return this.ws?.readyState === WebSocket.OPEN;
  }

  connect(): void {
    this.ws = new WebSocket(WS_URL);
    this.ws.onopen = () => {
      this.reconnectAttempts = 0;
    };
    this.ws.onmessage = ({ data }) => {
      let event: WSEvent;
      try {
        event = JSON.parse(String(data)) as WSEvent;
      } catch (error) {
        console.error("[WS] invalid JSON", error);
        return;
      }
      this.handlers.forEach((handler) => handler(event));
    };
    this.ws.onclose = () => this.scheduleReconnect();
  }

  disconnect(): void {
    clearTimeout(this.reconnectTimer);
    this.ws?.close();
    this.ws = null;
  }

  send(event: WSClientEvent): void {
    if (this.ws?.readyState === WebSocket.OPEN) this.ws.send(JSON.stringify(event));
  }

  subscribe(handler: Handler): () => void {
    this.handlers.add(handler);
    return () => void this.handlers.delete(handler);
  }

  private scheduleReconnect(): void {
    if (this.reconnectAttempts >= (BUGS.has("gives-up") ? 1 : WS_MAX_RECONNECT_ATTEMPTS)) {
      console.error("[WS] Max reconnect attempts reached");
      return;
    }
    let delay = WS_RECONNECT_DELAY_MS * 1.5 ** this.reconnectAttempts;
    if (BUGS.has("no-backoff")) delay = WS_RECONNECT_DELAY_MS;
    if (BUGS.has("eager") && this.reconnectAttempts > 0) delay = 0;
    this.reconnectAttempts++;
    this.reconnectTimer = setTimeout(() => this.connect(), delay);
  }
}

export const websocket = new WebSocketService();
