/**
 * Takes in what agents remember: every memory gets into the recall index, and is screened for personal data.
 *
 * These are two handlers of one event type. A memory that cannot be screened is tried again, and then parked with the
 * reason, but it is in the index all the same. Once the screening is mended, its event is replayed from there.
 */
import type { Outbox } from "./outbox.js";
import type { AttachmentReading } from "./personal-data.js";
import { personalDataIn } from "./personal-data.js";
import { Subscriber } from "./subscriber.js";

export function screening(outbox: Outbox, reading: AttachmentReading): Subscriber {
  return new Subscriber("screening")
    .on("MemoryStored", "screen for personal data", async (event) => {
      const found = personalDataIn(event.payload.content, reading);
      await outbox.send("personal-data", event, { found });
    })
    .on("MemoryStored", "index for recall", async (event) => {
      await outbox.send("recall-index", event, { kind: event.payload.kind, agentId: event.payload.agentId });
    });
}
