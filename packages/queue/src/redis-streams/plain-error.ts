/**
 * The same error without what ioredis hangs on it: the command with all its arguments, ballots and passwords among them. Errors are logged.
 */
export function plainError(error: unknown): Error {
  const { name, message, stack } = error as Error
  const plain = new Error(message)
  plain.name = name
  if (stack !== undefined) plain.stack = stack
  return plain
}
