"""Validate JSON with npm's ``ajv``, as a developer of another program does."""

import json
import subprocess
from pathlib import Path
from typing import Any

from .tools import need, node_modules

_CHECK = """
import { createRequire } from "node:module";
import fs from "node:fs";
const require = createRequire(process.argv[2] + "/");
const ajv = new (require("ajv").default)({ strict: false, allErrors: true });
require("ajv-formats").default(ajv);
const { document, checks } = JSON.parse(fs.readFileSync(0, "utf8"));
ajv.addSchema(document, "document");
console.log(JSON.stringify(checks.map(({ pointer, value }) => {
  const validate = ajv.compile({ $ref: `document#${pointer}` });
  return validate(value) ? "" : ajv.errorsText(validate.errors);
})));
"""


def ajv_errors(folder: Path, document: Any, checks: list[tuple[str, Any]]) -> list[str]:
    """Validate values against schemas at JSON Pointers in ``document``. Return an error or "" for each."""
    script = folder / "ajv.mjs"
    script.write_text(_CHECK)
    values = [{"pointer": pointer, "value": value} for pointer, value in checks]
    command = [need("node", install="Node.js"), str(script), str(node_modules("ajv", "ajv-formats"))]
    text = json.dumps({"document": document, "checks": values})
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found
