// Starts a companion for tests, or attaches to one that is running.
import { Companion } from "./companion.js";
import type { WSClientEvent, WSEvent } from "./generated/events.js";
import { type AttachOptions, findRunning } from "./instance.js";
import { type ServeOptions, ServeProcess } from "./process.js";

export interface StartOptions extends ServeOptions {
  /** Use a companion that is running already. Its address and token are found in the same way as by the command line. */
  attach?: boolean | AttachOptions;
  /** Origins of pages that may connect, such as http://localhost:5173, in addition to the defaults. */
  origins?: readonly string[];
}

/**
 * Start `companion serve` on free ports, in a temporary data folder, and return it when it is ready. It ends with
 * `stop()`, and at the latest with this process. With `attach`, use a companion that is running. Throws a CompanionError.
 */
export async function startCompanion<Events = WSEvent, ClientEvents = WSClientEvent>(
  options: StartOptions = {},
): Promise<Companion<Events, ClientEvents>> {
  const { attach, origins = [], ...serve } = options;
  let companion: Companion<Events, ClientEvents>;
  if (attach) {
    const where = { ...(serve.dataDir !== undefined && { dataDir: serve.dataDir }), ...(attach === true ? {} : attach) };
    companion = await Companion.connect<Events, ClientEvents>(await findRunning(where));
  } else {
    const { process, access } = await ServeProcess.start(serve);
    try {
      companion = await Companion.connect<Events, ClientEvents>(access, process);
    } catch (error) {
      await process.stop();
      throw error;
    }
  }
  try {
    for (const origin of origins) await companion.allowOrigin(origin);
  } catch (error) {
    await companion.stop();
    throw error;
  }
  return companion;
}
