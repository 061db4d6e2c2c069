import { z } from 'zod'
import { line, optionalLine } from './text.ts'

export const role = z.enum(['administrator', 'organizer', 'auditor', 'voter'])

/** Signs somebody in; unique whatever the case. No blanks, so that it can be read aloud and typed. */
export const username = line(100).refine((text) => !/\s/u.test(text), 'expected a username without blanks')

const emailPattern = /^[^\s@<>()[\]\\,;:"]{1,64}@[^\s@<>()[\]\\,;:"]{1,185}$/u
/** Empty: none. Nothing is sent to it. */
export const email = optionalLine(254).refine(
  (text) => text === '' || emailPattern.test(text),
  'expected an e-mail address such as ana@school.example, or nothing',
)

/** As long as people choose; what is long needs no signs and digits. */
export const passwordLengthMin = 12
export const passwordLengthMax = 200
export const password = z
  .string()
  .min(passwordLengthMin, `expected at least ${passwordLengthMin} characters`)
  .max(passwordLengthMax, `expected at most ${passwordLengthMax} characters`)
  .refine((text) => text.isWellFormed(), 'expected well-formed Unicode text')

/** Body of `POST /v1/users` and, without `password`, of `PUT /v1/users/{id}`. */
export const userInput = z.strictObject({
  username,
  name: optionalLine(100).default(''),
  secondName: optionalLine(100).default(''),
  email: email.default(''),
  role: role.default('voter'),
})
export const newUserInput = userInput.extend({
  /** Null: the user cannot sign in until an administrator sets one. */
  password: password.nullish(),
})

/** A user as the API shows one. Instants are ISO 8601 in UTC. */
export const user = z.object({
  id: z.string(),
  username: z.string(),
  name: z.string(),
  secondName: z.string(),
  email: z.string(),
  role,
  /** Somebody without a password cannot sign in. */
  hasPassword: z.boolean(),
  createdAt: z.string(),
  updatedAt: z.string(),
  lastSignInAt: z.string().nullable(),
})

/** A user's number. */
export const userId = z.string().regex(/^[1-9]\d{0,9}$/, 'expected the number of a user')

/** Query of `GET /v1/users`. */
export const userQuery = z.object({
  /** What username, full name or e-mail address contain, whatever the case. */
  search: line(200).optional(),
  role: role.optional(),
  limit: z.coerce.number('expected a number, 1..200').int().min(1).max(200).default(50),
  after: userId.optional(),
})

/** Answer of `GET /v1/users`: by number. `total`: how many match in all. */
export const userList = z.object({ users: z.array(user), next: z.string().nullable(), total: z.int() })

/** Body of `PUT /v1/users/{id}/password`. */
export const passwordInput = z.strictObject({ password })

export const importRowsMax = 20_000
export const importBytesMax = 4 * 1024 * 1024

/**
 * Body of `POST /v1/users/import`. `csv`: comma or semicolon, with or without a byte order mark, columns `username`, `name`, `second_name`, `email`, `role`, `password`
 * in any order, `username` alone required; `full_name` in place of both names. `dryRun`: only says what would happen.
 */
export const userImportInput = z.strictObject({
  csv: z.string().min(1).max(importBytesMax),
  dryRun: z.boolean().default(true),
})

/** One row that does not fit. */
export const importFault = z.object({
  /** Line of the file, the heading is 1. */
  line: z.int(),
  /** The column; empty: the whole row. */
  column: z.string(),
  detail: z.string(),
})

/** Answer of `POST /v1/users/import`. All rows are taken, or none. */
export const userImport = z.object({
  dryRun: z.boolean(),
  rows: z.int(),
  created: z.int(),
  /** At most the first 200. */
  faults: z.array(importFault),
  faultsTotal: z.int(),
  /** Of the first 20 rows, as they were understood. */
  preview: z.array(z.object({ username: z.string(), name: z.string(), secondName: z.string(), email: z.string(), role })),
})

export type Role = z.infer<typeof role>
export type User = z.infer<typeof user>
export type UserInput = z.output<typeof userInput>
export type NewUserInput = z.output<typeof newUserInput>
export type UserList = z.infer<typeof userList>
export type UserImport = z.infer<typeof userImport>
export type ImportFault = z.infer<typeof importFault>
