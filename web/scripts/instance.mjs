/**
 * Runs a command against a Sluice: the one at SLUICE_URL, else a private one, started for it and removed after it.
 * `node scripts/instance.mjs playwright test …`
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PORTS = 16;
const root = new URL("../..", import.meta.url).pathname;
const sluice = join(root, ".venv/bin/sluice");

const [command, ...rest] = process.argv.slice(2);
process.exitCode = process.env.SLUICE_URL ? await run(process.env) : await withInstance(run);

async function withInstance(work) {
  const data = mkdtempSync(join(tmpdir(), "sluice-web-"));
  const port = await freePorts();
  // Its own ports, folder and engines, whatever the shell around it points at.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(SLUICE_(?!REQUIRE)|POSTGRES_|CLICKHOUSE_)/.test(name),
  );
  const environment = {
    ...Object.fromEntries(inherited),
    SLUICE_DATA: data,
    SLUICE_PORT: String(port),
    SLUICE_WEB: "off",
    // An erasure waits for writes under way and for replaced files: minutes that no test of a page needs.
    SLUICE_ERASURE_SETTLE_SECONDS: "1",
    SLUICE_ERASURE_DISK_SECONDS: "5",
  };
  const stop = () => spawnSync(sluice, ["down"], { env: environment, stdio: "ignore", timeout: 60_000 });
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(stop().status ?? 1));
  try {
    const up = spawnSync(sluice, ["up"], { env: environment, encoding: "utf8", timeout: 180_000 });
    if (up.status !== 0) throw new Error(`the instance did not start:\n${up.stdout}${up.stderr}`);
    const demo = JSON.parse(readFileSync(join(data, "demo.json"), "utf8"));
    return await work({ ...environment, SLUICE_URL: `http://localhost:${port}`, SLUICE_DEMO: JSON.stringify(demo) });
  } finally {
    stop();
    rmSync(data, { recursive: true, force: true });
  }
}

async function run(environment) {
  const local = join(root, "web/node_modules/.bin", command);
  const child = spawn(existsSync(local) ? local : command, rest, { env: environment, stdio: "inherit" });
  return new Promise((done) => child.once("close", (code) => done(code ?? 1)));
}

/** The first of as many free ports in a row as an instance has parts. */
async function freePorts() {
  for (let tries = 0; tries < 50; tries++) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await Promise.all(Array.from({ length: PORTS }, (_, place) => isFree(first + place)));
    if (free.every(Boolean)) return first;
  }
  throw new Error("no free ports");
}

function isFree(port) {
  const server = createServer();
  return new Promise((done) => {
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}
