/**
 * The process of one subscriber: `node reactor.js notifications|compliance|screening`.
 *
 * It may be killed at any moment; what it had in hand comes again, to it or to another of its group. When it is told to
 * stop, it finishes what it has in hand, and tells how long its handlers took.
 */
import type { Client } from "quipu-client";

import { compliance } from "../reactors/compliance.js";
import { notifications } from "../reactors/notifications.js";
import { Outbox } from "../reactors/outbox.js";
import { screening } from "../reactors/screening.js";
import type { Subscriber } from "../reactors/subscriber.js";
import { connect } from "../store/connecting.js";
import { Repository } from "../store/repository.js";
import { address, say, told } from "./environment.js";

function subscriberNamed(name: string | undefined, client: Client): Subscriber {
  const outbox = new Outbox(told("OUTBOX"));
  switch (name) {
    case "notifications":
      return notifications(outbox);
    case "compliance":
      return compliance(outbox, new Repository(client));
    case "screening":
      return screening(outbox, process.env["ATTACHMENTS"] === "lenient" ? "lenient" : "strict");
    default:
      throw new Error(`there is no reactor ${name ?? ""}`);
  }
}

await using client = connect(address());
const subscriber = subscriberNamed(process.argv[2], client);
process.once("SIGTERM", () => void subscriber.stop());
await client.serverInfo();
const running = subscriber.run(client);
say({ ready: true });
await running;
say({ metrics: subscriber.metrics });
