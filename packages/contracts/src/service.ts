import { z } from 'zod'

/** Answer of `GET /v1/config`: what a page needs to know before anything else. */
export const publicConfig = z.object({
  name: z.string(),
  version: z.string(),
  /** The server's time, ISO 8601 in UTC: pages count down by it, not by the visitor's clock. */
  now: z.string(),
})

export const healthy = z.object({ message: z.literal('OK') })

export const readiness = z.object({
  ready: z.boolean(),
  dependencies: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
})

export const queueStatus = z.object({ sqsStatus: z.enum(['OK', 'NOK']) })
export const databaseStatus = z.object({ mysqlStatus: z.enum(['OK', 'NOK']) })

export type PublicConfig = z.infer<typeof publicConfig>
