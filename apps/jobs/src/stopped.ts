/** Somebody told the job to stop (Ctrl-C, or whoever runs containers) before it was done. */
export class StoppedError extends Error {
  override name = 'StoppedError'
}
