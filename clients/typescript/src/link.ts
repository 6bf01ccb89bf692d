/**
 * The HTTP/2 session under all calls.
 *
 * Owns `Link`: it makes a session when one is needed and anew when it broke, gives it large windows, and pings it while
 * it is silent, so that a dead peer is noticed. Connect's own session manager is not used, since its pings can throw
 * where nobody can catch it (connectrpc/connect-es issue 1795), and since it knows neither windows nor a time limit for
 * connecting.
 */
import * as http2 from "node:http2";
import { connect as connectTcp, isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { connect as connectTls } from "node:tls";

import type { GrpcTransportOptions } from "@connectrpc/connect-node";

type SessionManager = NonNullable<GrpcTransportOptions["sessionManager"]>;

const STREAM_WINDOW_BYTES = 8 << 20;
const CONNECTION_WINDOW_BYTES = 16 << 20;

/** How a link is made and watched. Times are in milliseconds. */
export interface LinkOptions {
  /** The options of TLS; none for plain text. */
  readonly tls: ConnectionOptions | undefined;
  /** How long making a connection may take. */
  readonly connectTimeoutMs: number;
  /** After so long a silence the peer is pinged. */
  readonly keepAliveIntervalMs: number;
  /** A ping that is not answered for so long means that the connection is dead. */
  readonly keepAliveTimeoutMs: number;
}

/** One session at a time to one server. A process may end while no call is open. */
export class Link implements SessionManager {
  readonly authority: string;
  readonly #url: URL;
  readonly #options: LinkOptions;
  #session: http2.ClientHttp2Session | undefined;
  #opening: Promise<http2.ClientHttp2Session> | undefined;
  /** When something came last; a time of `performance.now()`. */
  #heardAt = 0;

  constructor(url: URL, options: LinkOptions) {
    this.authority = url.origin;
    this.#url = url;
    this.#options = options;
  }

  /** The session that is there, or a new one. Throws the error of the socket when it cannot be made. */
  async open(): Promise<http2.ClientHttp2Session> {
    const session = this.#session;
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    this.#opening ??= this.#connect().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async request(
    method: string,
    path: string,
    headers: http2.OutgoingHttpHeaders,
    options: http2.ClientSessionRequestOptions,
  ): Promise<http2.ClientHttp2Stream> {
    const session = await this.open();
    const stream = session.request({ ...headers, ":method": method, ":path": path }, options);
    hold(session, stream);
    return stream;
  }

  notifyResponseByteRead(): void {
    this.#heardAt = performance.now();
  }

  /** Ends the session, and every call with it. */
  close(): void {
    this.#session?.destroy();
    // One that is being made has nobody left to use it.
    this.#opening?.then((session) => session.destroy()).catch(() => undefined);
  }

  #connect(): Promise<http2.ClientHttp2Session> {
    return new Promise((resolve, reject) => {
      const session = http2.connect(this.authority, {
        settings: { initialWindowSize: STREAM_WINDOW_BYTES, enablePush: false },
        createConnection: () => this.#socket(),
      });
      // Calls hear of an error by themselves; without a listener it would end the process.
      session.on("error", reject);
      session.once("close", () => reject(new Error("the connection was closed")));
      // The server ends what it has begun; new calls go over a new session.
      session.once("goaway", () => session.close());
      session.once("connect", () => {
        session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
        session.unref();
        this.#session = session;
        this.#watch(session);
        resolve(session);
      });
    });
  }

  /** A socket that fails when it is not connected in time: on its own it would try for minutes. */
  #socket(): ReturnType<typeof connectTcp> {
    const { tls, connectTimeoutMs } = this.#options;
    const host = this.#url.hostname.replace(/^\[(.*)\]$/, "$1");
    const port = Number(this.#url.port || (tls === undefined ? 80 : 443));
    const socket =
      tls === undefined
        ? connectTcp({ host, port })
        : connectTls({ host, port, servername: isIP(host) === 0 ? host : "", ALPNProtocols: ["h2"], ...tls });
    const late = timedOut(`no connection within ${connectTimeoutMs} ms`);
    const timer = setTimeout(() => socket.destroy(late), connectTimeoutMs);
    socket.once(tls === undefined ? "connect" : "secureConnect", () => clearTimeout(timer));
    socket.once("close", () => clearTimeout(timer));
    return socket;
  }

  /** Pings the session whenever nothing came for an interval, and gives it up when that is not answered. */
  #watch(session: http2.ClientHttp2Session): void {
    const { keepAliveIntervalMs, keepAliveTimeoutMs } = this.#options;
    this.#heardAt = performance.now();
    let unanswered: NodeJS.Timeout | undefined;
    const look = (): void => {
      const isQuiet = performance.now() - this.#heardAt >= keepAliveIntervalMs;
      if (!isQuiet || unanswered !== undefined || session.closed || session.destroyed) return;
      const dead = timedOut(`a ping was not answered within ${keepAliveTimeoutMs} ms`);
      unanswered = setTimeout(() => session.destroy(dead), keepAliveTimeoutMs).unref();
      session.ping((error) => {
        clearTimeout(unanswered);
        unanswered = undefined;
        if (error === null) this.#heardAt = performance.now();
      });
    };
    const watch = setInterval(look, keepAliveIntervalMs).unref();
    session.once("close", () => {
      clearInterval(watch);
      clearTimeout(unanswered);
    });
  }
}

/** Keeps the process from ending while a call is open. */
function hold(session: http2.ClientHttp2Session, stream: http2.ClientHttp2Stream): void {
  const open = (OPEN.get(session) ?? 0) + 1;
  OPEN.set(session, open);
  if (open === 1) session.ref();
  stream.once("close", () => {
    const left = (OPEN.get(session) ?? 1) - 1;
    OPEN.set(session, left);
    if (left === 0 && !session.destroyed) session.unref();
  });
}

/** How many calls are open on a session. */
const OPEN = new WeakMap<http2.ClientHttp2Session, number>();

function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: "ETIMEDOUT" });
}
