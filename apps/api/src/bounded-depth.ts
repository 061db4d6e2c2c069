import { type QueueDepth, QueueUnavailableError } from '@urna/core'

const answerMsMax = 1_000
const leaveAloneMs = 1_000

/**
 * How much waits in a queue that may be away: nobody waits for its answer longer than a second, and after a failure nobody asks for another one.
 * Results are shown without it.
 */
export function boundedDepth(
  depth: () => Promise<QueueDepth>,
  { monotonicMs = () => performance.now() }: { monotonicMs?: () => number } = {},
): () => Promise<QueueDepth> {
  let leftAloneUntilMs = 0
  return async () => {
    if (monotonicMs() < leftAloneUntilMs) throw new QueueUnavailableError('the queue did not say a moment ago how much waits')
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new QueueUnavailableError('the queue does not say how much waits')), answerMsMax)
    })
    try {
      return await Promise.race([depth(), late])
    } catch (error) {
      leftAloneUntilMs = monotonicMs() + leaveAloneMs
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}
