// Rows of the log as text, for the report of a failed test.
import type { JournalRow } from "./generated/api.js";

const SHOWN_CHARS = 400;
/** Control characters, separators of lines, marks that change the direction of text, lone surrogates, and commands to GitHub's runner (##[error]) */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Cs}|#(?=#\[)/gu;
const ARROWS = { c2s: "↑", s2c: "↓", server: "·" } as const;

/** The report of a failed test has at most this many rows, the last ones. */
export const REPORTED_ROWS = 10_000;

/**
 * Return rows as lines that people read: number, time (UTC), direction, event, client and frame. `leftOut` is the number
 * of earlier rows, which a first line names.
 */
export function journalText(rows: readonly JournalRow[], leftOut = 0): string {
  const earlier = leftOut === 1 ? "1 earlier row is" : `${leftOut} earlier rows are`;
  return [...(leftOut ? [`(${earlier} left out)`] : []), ...rows.map(line)].join("\n");
}

/** Return rows as lines of JSON, as `companion journal --json` prints them. */
export function journalLines(rows: readonly JournalRow[]): string {
  return rows.map((row) => JSON.stringify(row)).join("\n");
}

/** Return a text for one line of a report: terminals and runners of CI find no commands in it. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function line(row: JournalRow): string {
  const who = row.user || row.client;
  const frame = row.frame.length > SHOWN_CHARS ? `${row.frame.slice(0, SHOWN_CHARS)}…` : row.frame;
  const notes = [row.verdict === "ok" ? "" : row.verdict, row.note].filter(Boolean).join(": ");
  const text = [`#${row.seq}`, row.time.slice(11, 23), ARROWS[row.direction], row.event || "–", who, frame, notes && `(${notes})`]
    .filter(Boolean)
    .join(" ");
  return printable(text);
}
