/** What can be expected to go wrong comes back as a value; what is operational throws. */
export type Result<Value, Failure> = { ok: true; value: Value } | { ok: false; failure: Failure }

export function success<Value>(value: Value): { ok: true; value: Value } {
  return { ok: true, value }
}

export function failure<Failure>(failure: Failure): { ok: false; failure: Failure } {
  return { ok: false, failure }
}
