/** The whole system, as `make demo` starts it, with the built site. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DIST } from "./fixture-server.ts";

const TARGET = fileURLToPath(new URL("../../target/", import.meta.url));

/** The program that was built last. */
function program(): string {
  const built = ["debug", "release"]
    .map((profile) => join(TARGET, profile, "demo"))
    .filter((path) => existsSync(path));
  const [newest] = built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (!newest) throw new Error("the demo is not built; run: make programs");
  return newest;
}

export class Demo {
  private constructor(
    readonly origin: string,
    private readonly process: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<Demo> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "listening-together-"));
    const running = spawn(program(), [], {
      env: { ...process.env, PORT: `${port}`, RATE: "400", DEMO_DIR: folder, SITE_DIR: DIST },
      stdio: ["ignore", "pipe", "inherit"],
    });
    running.stdout.resume();
    const demo = new Demo(`http://localhost:${port}`, running, folder);
    await demo.#untilSlots();
    return demo;
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => {
      this.process.once("exit", done);
    });
    this.process.kill("SIGKILL");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #untilSlots(): Promise<void> {
    const deadline = performance.now() + 60_000;
    while (performance.now() < deadline) {
      if (this.process.exitCode !== null) throw new Error(`the demo ended with ${this.process.exitCode}`);
      const answer = await fetch(`${this.origin}/api/latest`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((done) => {
        setTimeout(done, 200);
      });
    }
    throw new Error("the demo shows no slot after a minute");
  }
}

/** A port that is free, with the two after it. */
async function freePort(): Promise<number> {
  for (let port = 20_000 + Math.floor(Math.random() * 10_000); ; port += 3) {
    const free = await Promise.all([port, port + 1, port + 2].map(isFree));
    if (free.every(Boolean)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}
