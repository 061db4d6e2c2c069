import { z } from 'zod'
import { line } from './text.ts'
import { password, user } from './user.ts'

/** Body of `POST /v1/sessions`. What was typed is compared as it is: a wrong form is a wrong password. */
export const sessionInput = z.strictObject({
  username: z.string().min(1).max(200),
  password: z.string().min(1).max(200),
})

export const permission = z.enum([
  'polls.read',
  'polls.change',
  'voters.read',
  'voters.change',
  'users.read',
  'users.change',
  'audit.read',
  'system.read',
])

/** Answer of `POST /v1/sessions` and `GET /v1/me`: who is signed in, and what they may do. */
export const me = z.object({
  /** Null: the administrator's token, which is no user. */
  user: user.nullable(),
  permissions: z.array(permission),
  /** When this session ends at the latest, ISO 8601 in UTC; null: no session. */
  sessionEndsAt: z.string().nullable(),
})

/** Body of `PUT /v1/me/password`. All sessions and API tokens end, and the answer sets the cookie of a new session. */
export const ownPasswordInput = z.strictObject({ current: z.string().min(1).max(200), password })

export const session = z.object({
  id: z.string(),
  createdAt: z.string(),
  lastSeenAt: z.string(),
  /** What the browser calls itself. */
  label: z.string(),
  /** The one that asks. */
  current: z.boolean(),
})

/** Answer of `GET /v1/sessions`: one's own, newest first. */
export const sessionList = z.object({ sessions: z.array(session) })

export const tokenDaysMax = 366

/** Body of `POST /v1/tokens`. */
export const tokenInput = z.strictObject({
  name: line(100),
  scopes: z.array(permission).min(1).max(permission.options.length),
  expiresInDays: z.int().min(1).max(tokenDaysMax).default(90),
})

export const token = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(permission),
  createdAt: z.string(),
  expiresAt: z.string(),
  lastUsedAt: z.string().nullable(),
})

/** Answer of `POST /v1/tokens`: the only time that the token itself is shown. */
export const newToken = token.extend({ token: z.string() })

/** Answer of `GET /v1/tokens`: one's own, newest first. */
export const tokenList = z.object({ tokens: z.array(token) })

export type Permission = z.infer<typeof permission>
export type Me = z.infer<typeof me>
export type Session = z.infer<typeof session>
export type SessionList = z.infer<typeof sessionList>
export type Token = z.infer<typeof token>
export type NewToken = z.infer<typeof newToken>
export type TokenList = z.infer<typeof tokenList>
