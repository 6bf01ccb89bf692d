/**
 * The samples of the README, as they stand there, against a server.
 *
 * Each block of TypeScript is a module of its own; they are type-checked together and run in their order against one
 * server. `// => …` says what a sample prints, line by line.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "node:test";
import { format } from "node:util";

import { Server } from "../conformance/server.js";

const ROOT = resolve(import.meta.dirname, "../..");
const SAMPLES = join(ROOT, "build/readme");
const ADDRESS = "127.0.0.1:2113";

interface Sample {
  readonly heading: string;
  readonly code: string;
}

/** The samples in their order, each with the heading above it. */
function samplesOf(readme: string): Sample[] {
  return readme
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const heading = section.split("\n", 1)[0] ?? "";
      return [...section.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ""]) => ({ heading, code }));
    });
}

/** A sample as a module: the client is the one of the first sample. */
function moduleOf({ code }: Sample, address: string): string {
  const own = code.includes("const client =") ? "export { client };\n" : 'import { client } from "./sample-0.js";\n';
  return `${own}export {};\n${code.replaceAll(ADDRESS, address)}`;
}

test("the samples of the README do what they say", { timeout: 120_000 }, async (context) => {
  await using server = await Server.start();
  const samples = samplesOf(await readFile(join(ROOT, "README.md"), "utf8"));
  assert.ok(samples.length >= 18, "the README has a sample for each heading");
  await rm(SAMPLES, { recursive: true, force: true });
  await mkdir(SAMPLES, { recursive: true });
  const config = {
    extends: "../../tsconfig.json",
    compilerOptions: { rootDir: ".", outDir: "out", noUnusedLocals: false },
    include: ["."],
    exclude: ["out"],
  };
  await writeFile(join(SAMPLES, "tsconfig.json"), JSON.stringify(config));
  for (const [index, sample] of samples.entries()) {
    await writeFile(join(SAMPLES, `sample-${index}.ts`), moduleOf(sample, server.address));
  }
  const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  execFileSync(process.execPath, [compiler, "--project", SAMPLES], { stdio: "inherit" });

  const printed: string[] = [];
  context.mock.method(console, "log", (...values: unknown[]) => void printed.push(format(...values)));
  for (const [index, { heading, code }] of samples.entries()) {
    printed.length = 0;
    await import(pathToFileURL(join(SAMPLES, `out/sample-${index}.js`)).href);
    const said = [...code.matchAll(/\/\/ => (.*)$/gm)].map(([, text]) => text);
    assert.deepEqual(printed, said, `the sample of ${heading}`);
  }
  const { client } = (await import(pathToFileURL(join(SAMPLES, "out/sample-0.js")).href)) as {
    client: { close(): void };
  };
  client.close();
});
