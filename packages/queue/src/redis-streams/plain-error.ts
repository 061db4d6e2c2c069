/**
 * The same error without what ioredis hangs on it: the command with all its arguments, ballots and passwords among them. Errors are logged.
 */
export function plainError(error: unknown): Error {
  const { name, message, stack } = error as Error
  // What ioredis says of every command that was under way, if it is told to try none again.
  if (name === 'MaxRetriesPerRequestError') return new Error('the connection to Redis was lost')
  const plain = new Error(message)
  plain.name = name
  if (stack !== undefined) plain.stack = stack
  return plain
}
