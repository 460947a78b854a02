// The errors of this package.

/** An error with one sentence that says what is wrong and what to do. */
export class CompanionError extends Error {
  override name = "CompanionError";
}

/** The control API rejected a request. The message comes from the control API; `status` is the HTTP status. */
export class RequestError extends CompanionError {
  override name = "RequestError";

  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** An expectation was not met. `result` is the response of the control API. */
export class NotMetError<Result> extends CompanionError {
  override name = "NotMetError";

  constructor(
    message: string,
    readonly result: Result,
  ) {
    super(message);
  }
}
