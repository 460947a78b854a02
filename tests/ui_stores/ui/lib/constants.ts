// Guide, Appendix B. The test page takes other ports and the variant of the UI from its address.
const asked = new URLSearchParams(location.search);

export const API_BASE_URL = `http://127.0.0.1:${asked.get("rest") ?? 8080}`;
export const WS_URL = `ws://127.0.0.1:${asked.get("events") ?? 8081}/events`;
export const WS_RECONNECT_DELAY_MS = 3000;
export const WS_MAX_RECONNECT_ATTEMPTS = 10;
export const WS_SAMPLE_MS = 1000;
export const TYPING_TIMEOUT_MS = 5000;
export const FRIENDS_POLL_MS = Number(asked.get("poll") ?? 10_000);
export const STATUS_POLL_MS = 0.6 * FRIENDS_POLL_MS;
export const PAGE_SIZE = 50;

/** "guide": a correct UI. "shipped": the released UI, which differs for sent messages and duplicates. */
export const FLAVOUR = asked.get("flavour") ?? "guide";
/** Bugs that a test plants: "duplicate", "typing", "unread", and of reconnects "gives-up", "no-backoff", "eager". */
export const BUGS = new Set((asked.get("bugs") ?? "").split(","));
