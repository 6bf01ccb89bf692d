/**
 * The process of one projection: `node projector.js policies|memories|activity [rebuild]`.
 *
 * It keeps the read model up to date and may be killed at any moment. With `rebuild` it makes the read model anew, from
 * the first event into a new generation, switches readers over to it, and ends.
 */
import { activity } from "../projections/activity.js";
import { memories } from "../projections/memories.js";
import { policies } from "../projections/policies.js";
import { connect } from "../store/connecting.js";
import { address, say } from "./environment.js";

const projections = [policies(), memories(), activity()];
const [, , model, mode] = process.argv;
const projection = projections.find((it) => it.model === model);
if (projection === undefined) throw new Error(`there is no read model ${model ?? ""}`);

await using client = connect(address());
const projector = projection.projector(client);
if (mode === "rebuild") {
  say({ ready: true });
  say({ generation: Number(await projector.rebuild()) });
} else {
  process.once("SIGTERM", () => void projector.stop());
  await client.serverInfo();
  const running = projector.run();
  say({ ready: true });
  await running;
}
