// Types that read a contract: a union of events like WSEvent, as `companion contract typescript` prints it.
// They do not depend on the names of a frame's two keys, because the name of an event is a text and its data is not.

/** The names of the events in a union. */
export type NameOf<Events> = Events extends unknown ? Extract<Events[keyof Events], string> : never;

/** The data of the event with this name in a union. */
export type DataOf<Events, Name> = Events extends unknown
  ? Name extends Extract<Events[keyof Events], string>
    ? Exclude<Events[keyof Events], string>
    : never
  : never;

/** A REST call of the UI, such as "POST /messages". */
export type RestCall = `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} /${string}`;
