/**
 * Stands in for session-api: serves the built site with the same content security policy, and answers that a test
 * chooses, by a clock that it chooses.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const DIST = fileURLToPath(new URL("../dist", import.meta.url));

/** As session-api/src/routes/site.rs has it. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; " +
  "img-src 'self' data:; media-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** What `/api/latest` answers: a body, or a status without one, or nothing at all. */
export type Answer = { readonly body: unknown } | { readonly status: number } | "gone";

export class FixtureServer {
  readonly #server: Server;
  /** Milliseconds since 1970. */
  clock: () => number;
  /** By language. */
  latest: (language: string) => Answer;
  /** Paths and queries that were asked for. */
  readonly asked: string[] = [];
  isTimeGone = false;

  private constructor(clock: () => number, latest: (language: string) => Answer) {
    this.clock = clock;
    this.latest = latest;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(clock: () => number, latest: (language: string) => Answer): Promise<FixtureServer> {
    if (!existsSync(join(DIST, "index.html"))) throw new Error("the site is not built; run: npm run build");
    const server = new FixtureServer(clock, latest);
    await new Promise<void>((done) => {
      server.#server.listen(0, "127.0.0.1", done);
    });
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => {
      this.#server.close(done);
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://fixture");
    this.asked.push(`${url.pathname}${url.search}`);
    switch (url.pathname) {
      case "/api/time":
        if (this.isTimeGone) request.destroy();
        else sendJson(response, { now_ms: Math.floor(this.clock()) });
        return;
      case "/api/latest":
        this.#answerLatest(request, response, url.searchParams.get("lang") ?? "en");
        return;
      case "/api/stream":
        // 204 tells an EventSource to stop; the page then asks by itself.
        response.writeHead(204).end();
        return;
      default:
        sendFile(response, url.pathname);
    }
  }

  #answerLatest(request: IncomingMessage, response: ServerResponse, language: string): void {
    const answer = this.latest(language);
    if (answer === "gone") request.destroy();
    else if ("status" in answer) response.writeHead(answer.status).end();
    else sendJson(response, answer.body);
  }
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

function sendFile(response: ServerResponse, path: string): void {
  const file = join(DIST, normalize(path === "/" ? "/index.html" : path));
  if (!file.startsWith(DIST) || !existsSync(file) || !statSync(file).isFile()) {
    response.writeHead(404).end();
    return;
  }
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  response.writeHead(200, { "Content-Type": type, "Content-Security-Policy": POLICY });
  response.end(readFileSync(file));
}
