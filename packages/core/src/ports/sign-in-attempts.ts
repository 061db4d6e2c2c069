/**
 * How often signing in failed lately, by a key of 32 bytes (of a username, or of an address). On the primary, so that guessing at several apis is
 * no faster. Guarantee: of failures at once each one counts.
 */
export interface SignInAttempts {
  /** Of each key: failures since the last success, and when the last was. Missing: none. */
  read(keys: readonly Uint8Array[]): Promise<readonly { key: Uint8Array; failures: number; lastAtMs: number }[]>
  addFailure(keys: readonly Uint8Array[], atMs: number): Promise<void>
  clear(keys: readonly Uint8Array[]): Promise<void>
  removeOlder(beforeMs: number): Promise<number>
}
