// Meets other programs where a companion is expected, and prints the errors.
import { createServer } from "node:http";
import { startCompanion } from "p2p-chat-companion";

const errors = {};
async function meet(name, options) {
  const error = await startCompanion(options).catch((each) => each);
  errors[name] = [error.constructor.name, error.message];
}

// A program that says where it listens, although it is no companion, and that does not end.
await meet("command", { command: process.argv[2] });
const other = createServer((request, response) => response.end("<html>")).listen(0, "127.0.0.1");
await new Promise((resolve) => other.once("listening", resolve));
const url = `http://127.0.0.1:${other.address().port}`;
await meet("page", { attach: { url, token: "abc\n" } });
await meet("token", { attach: { url, token: "a-secret\nof-two-lines" } });
other.close();
console.log(JSON.stringify(errors));
