import { receipt as receiptSchema } from '@urna/contracts'
import { parseReceipt, type ReceiptStatus, receiptStatus } from '@urna/core'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { ApiContext, ZodScope } from '../context.ts'
import { json, responses } from '../openapi.ts'
import { ProblemError } from '../problems.ts'

const sentences: Readonly<Record<ReceiptStatus, string>> = {
  received: 'Your ballot is safely received and waits to be counted.',
  counted: 'Your ballot is counted.',
  replaced: 'A later ballot of yours counts instead of this one.',
  rejected: 'An earlier ballot of yours counts: this poll does not allow changes.',
  late: 'Your ballot came after the poll had closed and does not count.',
  lost: 'Your ballot is lost: the queue was wiped before it was counted. Please vote again if the poll is still open.',
}

/** A dead letter of a ballot that could not be judged good; the other `rejected` is about an earlier ballot. */
const notFitting = 'This ballot does not fit the poll and does not count.'

export function receiptRoutes(context: ApiContext): (app: ZodScope) => void {
  const { definitions, dependencies } = context
  const { ballots, masterKey, streamOf = () => 0 } = dependencies
  const statusOf = receiptStatus({ ballots, ...(dependencies.epochEnded !== undefined && { epochEnded: dependencies.epochEnded }) })
  return (app) => {
    const schema = {
      tags: ['ballots'],
      response: responses({ 200: json('The status, and a sentence that says what it means', receiptSchema) }, [
        'invalid-request',
        'receipt-not-found',
        'poll-deleted',
        'definitions-stale',
        'database-unavailable',
        'primary-unavailable',
      ]),
    }
    const params = z.object({ id: z.string() })
    app.get(
      '/v1/receipts/:id',
      { config: { access: 'public' }, schema: { ...schema, summary: 'What became of a ballot', params } },
      (request, reply) => answer(request.params.id, reply),
    )
    // An address is in every log on the way; our own pages ask this way.
    const headers = z.object({ 'urna-receipt': z.string().describe('The receipt') })
    app.get(
      '/v1/receipts',
      { config: { access: 'public' }, schema: { ...schema, summary: 'The same, with the receipt in a header', headers } },
      (request, reply) => answer(request.headers['urna-receipt'], reply),
    )

    async function answer(text: string, reply: FastifyReply): Promise<FastifyReply> {
      const receipt = parseReceipt(masterKey, text)
      if (receipt === null) throw new ProblemError('receipt-not-found')
      const cached = await definitions.find(receipt.pollId)
      if (cached === null) throw new ProblemError('receipt-not-found')
      const { poll } = cached
      if (poll.deletedAtMs !== null) throw new ProblemError('poll-deleted')
      const { changesAllowed } = poll.definition
      const status = await statusOf(receipt, { changesAllowed, version: poll.version }, streamOf(receipt.seq))
      const detail = status === 'rejected' && changesAllowed ? notFitting : sentences[status]
      return reply.header('cache-control', 'private, no-store').send({ receipt: text, pollId: receipt.pollId, status, detail })
    }
  }
}
