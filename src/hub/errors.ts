/**
 * What kept a model from being fetched: there is no such thing on the hub, it does not give it to us, it could not be
 * reached (then a copy in the cache may do), or what came is not what it lists.
 */
export type Trouble = "absent" | "refused" | "unreachable" | "wrong";

/** An error in one sentence that names the model, and the file where it is about one. */
export class HubError extends Error {
  constructor(
    readonly trouble: Trouble,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "HubError";
  }
}
