import type { MessagePort, TransferListItem, Worker } from 'node:worker_threads'

/** Either end of a channel between two threads. */
export type Channel = MessagePort | Worker

type Request = { readonly call: number; readonly method: string; readonly argument: unknown }
type Answer = { readonly call: number; readonly value?: unknown; readonly error?: string }

/** Calls functions of another thread. Every call ends: with its answer, with an error, at its time limit, or when the channel closes. */
export class Calls {
  readonly #channel: Channel
  readonly #open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void; timer: NodeJS.Timeout }>()
  #next = 1
  #closed: Error | null = null

  constructor(channel: Channel) {
    this.#channel = channel
    channel.on('message', (message: Answer) => this.#settle(message))
    channel.on('messageerror', (error) => this.#close(error))
    // A worker tells of its end by 'exit', a port by 'close'.
    channel.on('error' as 'messageerror', (error) => this.#close(error))
    channel.on('exit' as 'close', () => this.#close(new Error('the queue has stopped')))
    channel.on('close', () => this.#close(new Error('the queue has stopped')))
  }

  call<Value>(method: string, argument: unknown, options: { timeoutMs: number; transfer?: TransferListItem[] }): Promise<Value> {
    if (this.#closed !== null) return Promise.reject(this.#closed)
    const call = this.#next++
    return new Promise<Value>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#open.delete(call)
        reject(new Error(`the queue did not answer within ${options.timeoutMs} ms`))
      }, options.timeoutMs)
      this.#open.set(call, { resolve: resolve as (value: unknown) => void, reject, timer })
      this.#channel.postMessage({ call, method, argument } satisfies Request, options.transfer ?? [])
    })
  }

  #settle(answer: Answer): void {
    const open = this.#open.get(answer.call)
    if (open === undefined) return
    this.#open.delete(answer.call)
    clearTimeout(open.timer)
    if (answer.error === undefined) open.resolve(answer.value)
    else open.reject(new Error(answer.error))
  }

  #close(error: Error): void {
    this.#closed ??= error
    for (const { reject, timer } of this.#open.values()) {
      clearTimeout(timer)
      reject(this.#closed)
    }
    this.#open.clear()
  }
}

/** Answers the calls that come over a port. */
export function answerCalls(port: MessagePort, methods: Record<string, (argument: never) => unknown>): void {
  port.on('message', async ({ call, method, argument }: Request) => {
    try {
      const answer = methods[method]
      if (answer === undefined) throw new Error(`there is no ${method} to call`)
      const value = await answer(argument as never)
      port.postMessage({ call, value } satisfies Answer)
    } catch (error) {
      port.postMessage({ call, error: error instanceof Error ? error.message : String(error) } satisfies Answer)
    }
  })
}
