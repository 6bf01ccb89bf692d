/**
 * Where a server is, and the transport to it.
 *
 * Owns what a channel can be told and the address. Connect's gRPC transport was chosen over grpc-js since its calls are
 * typed by the generated descriptors, take an `AbortSignal`, and are async iterables in both directions, which is what
 * this client hands on; and since it is small: below it are nothing but `node:http2` and the session of `link.ts`.
 */
import type { ConnectionOptions } from "node:tls";

import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";

import { QuipuError, unavailable } from "./errors.js";
import { Link } from "./link.js";

/** How to get at a server. Times are in milliseconds. */
export interface ChannelOptions {
  /**
   * Speaks TLS, with Node's defaults or these options. Off by default; an address that begins with `https:` wants it.
   */
  readonly tls?: boolean | ConnectionOptions | undefined;
  /** How long making a connection may take; 5,000 by default. */
  readonly connectTimeoutMs?: number | undefined;
  /** After so long a silence of the connection it is probed; 20,000 by default. */
  readonly keepAliveIntervalMs?: number | undefined;
  /** A probe that is not answered for so long means that the connection is dead; 10,000 by default. */
  readonly keepAliveTimeoutMs?: number | undefined;
  /** The largest message sent or taken, in bytes; 64 MiB by default. */
  readonly maxMessageBytes?: number | undefined;
}

/** The way to one server. */
export interface Channel {
  readonly transport: Transport;
  /** Makes the connection, if there is none. */
  open(): Promise<void>;
  /** Ends the connection, and every call with it. */
  close(): void;
}

/** The way to the server at an address such as `127.0.0.1:2113`. Throws a `QuipuError` when that is no address. */
export function channel(address: string, options: ChannelOptions): Channel {
  const url = parse(address, options);
  const link = new Link(url, {
    tls: url.protocol === "http:" ? undefined : typeof options.tls === "object" ? options.tls : {},
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    keepAliveIntervalMs: options.keepAliveIntervalMs ?? 20_000,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? 10_000,
  });
  const maxMessageBytes = options.maxMessageBytes ?? 64 << 20;
  const transport = createGrpcTransport({
    baseUrl: url.origin,
    sessionManager: link,
    acceptCompression: [],
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
  });
  const open = async (): Promise<void> => {
    try {
      await link.open();
    } catch (cause) {
      throw unavailable(`cannot connect to ${address}`, cause);
    }
  };
  return { transport, open, close: () => link.close() };
}

function parse(address: string, options: ChannelOptions): URL {
  const invalid = `invalid address ${JSON.stringify(address)}, expected one like 127.0.0.1:2113`;
  const scheme = options.tls === undefined || options.tls === false ? "http" : "https";
  const text = /^[a-z]+:\/\//i.test(address) ? address : `${scheme}://${address}`;
  if (!URL.canParse(text)) throw new QuipuError(invalid);
  const url = new URL(text);
  const isWhole = (url.protocol === "http:" || url.protocol === "https:") && url.pathname === "/" && url.search === "";
  if (!isWhole || url.username !== "") throw new QuipuError(invalid);
  if (url.protocol === "http:" && scheme === "https") throw new QuipuError(`${invalid}: TLS is wanted, and not http:`);
  return url;
}
