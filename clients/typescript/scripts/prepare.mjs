/**
 * Makes `dist` when the package is installed from its folder or packed.
 *
 * An install from a folder brings neither the compiler nor, for a folder outside of the project, what the client needs
 * to run. Both are then installed here, beside the source, as the lock file says.
 */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const folder = resolve(dirname(fileURLToPath(import.meta.url)), "..");

function isThere(name) {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

function run(command, ...args) {
  execFileSync(command, args, { cwd: folder, stdio: "inherit" });
}

if (!["typescript", "@types/node/package.json", "@connectrpc/connect-node", "@bufbuild/protobuf"].every(isThere)) {
  run("npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit");
}
run(process.execPath, createRequire(import.meta.url).resolve("typescript/bin/tsc"), "--project", "tsconfig.build.json");
