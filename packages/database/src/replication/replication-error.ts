/** Replication is not as it must be, and somebody at the terminal can mend it: the message says how. */
export class ReplicationError extends Error {
  override name = 'ReplicationError'
}
