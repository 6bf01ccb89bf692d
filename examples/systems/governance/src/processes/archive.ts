/**
 * Archives what is finished, and ends: `node archive.js <directory> [before]`.
 *
 * `before` is a time; without it, everything that is finished now is archived.
 */
import { archiveFinished } from "../store/archive.js";
import { connect } from "../store/connecting.js";
import { address, say } from "./environment.js";

const [, , directory, before] = process.argv;
if (directory === undefined) throw new Error("name the directory of the archive");
await using client = connect(address());
say({ ready: true });
const archived = await archiveFinished(client, directory, before === undefined ? new Date() : new Date(before));
say({ streams: archived.length, events: archived.reduce((sum, { events }) => sum + events, 0) });
