import { z } from 'zod'

/** Query of `GET /v1/audit`. */
export const auditQuery = z.object({
  limit: z.coerce.number('expected a number, 1..200').int().min(1).max(200).default(50),
  before: z.coerce.number('expected the number of a record').int().min(1).optional(),
})

/** Who changed what, when. Actors and subjects are named by number, not by name. */
export const auditRecord = z.object({
  number: z.int(),
  at: z.string(),
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  /** Hexadecimal. Note the newest one elsewhere: then nobody can change the trail before it unnoticed. */
  hash: z.string(),
})

/** Answer of `GET /v1/audit`, newest first. */
export const auditList = z.object({ records: z.array(auditRecord), next: z.int().nullable() })

/** Answer of `GET /v1/system`. What is not known (the part is away, or the queue does not say) is null. */
export const system = z.object({
  version: z.string(),
  queue: z.object({
    ok: z.boolean(),
    /** Ballots that were taken and not counted yet. */
    waiting: z.int().nullable(),
    oldestAgeSeconds: z.number().nullable(),
    /** Consumers that did something lately. */
    consumers: z.int().nullable(),
  }),
  counting: z.object({
    /** Everything accepted until then is counted. */
    countedUntil: z.string().nullable(),
  }),
  database: z.object({
    ok: z.boolean(),
    /** Null: there is no replica. */
    replica: z.object({ ok: z.boolean(), lagSeconds: z.number().nullable() }).nullable(),
  }),
})

export type AuditRecord = z.infer<typeof auditRecord>
export type AuditList = z.infer<typeof auditList>
export type System = z.infer<typeof system>
