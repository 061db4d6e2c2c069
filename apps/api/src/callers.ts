import { hash, timingSafeEqual } from 'node:crypto'
import {
  type Actor,
  type ApiToken,
  administratorsToken,
  type Clock,
  isPermission,
  type People,
  type Permission,
  type Poll,
  type PollRepository,
  PrimaryUnavailableError,
  parsePollId,
  permissionNames,
  permissionsOf,
  type Reach,
  RetryableDatabaseError,
  type Role,
  reachOf,
  type Session,
  secretHash,
  tokenActor,
  type User,
  userActor,
} from '@urna/core'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { ProblemError } from './problems.ts'
import type { SessionCookies } from './session-cookie.ts'

/**
 * Who gets into a route: everybody; whoever is signed in, or has a token; only who signed in with a password (never a token); or whoever has the
 * permission, for all polls or for their own.
 */
export type Access = 'public' | 'signed-in' | 'session' | Permission

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route without it cannot be registered. */
    access?: Access
    /** False: with this permission, but never with an API token. */
    apiTokens?: false
  }
}

/** Who sent a request. */
export interface Caller {
  readonly role: Role
  /** Null: the administrator's token, which is no user. */
  readonly userId: number | null
  readonly actor: Actor
  readonly via: 'session' | 'token' | 'administrators-token'
  /** Null: all that the role may do. */
  readonly scopes: readonly Permission[] | null
  /** Null unless `via` is a session. */
  readonly sessionHash: Buffer | null
  readonly session: Session | null
  /** As it was when the request came; null: the administrator's token. */
  readonly user: User | null
}

export const sessionIdleMsDefault = 120 * 60_000
export const sessionMsDefault = 12 * 3_600_000
/** That somebody was there, or a token used, is written this often. */
const touchEveryMs = 60_000

/** Of API tokens. 32 random bytes follow. */
export const apiTokenPrefix = 'urna_'
const withoutToken = 'a token may not do this: sign in with your password'
const apiTokenPattern = /^urna_[A-Za-z0-9_-]{43}$/

export interface CallersOptions {
  /** The SHA-256 of the administrator's token; null while it is not known. */
  readonly adminTokenHash: Buffer | (() => Buffer | null)
  readonly people: Pick<People, 'sessions' | 'tokens'>
  /** On the primary. */
  readonly polls: Pick<PollRepository, 'find'>
  readonly cookies: Pick<SessionCookies, 'hashOf'>
  readonly clock: Clock
  readonly sessionIdleMs?: number | undefined
  readonly sessionMs?: number | undefined
}

/** Finds out who calls, and what they may do. Nothing else in the api looks at tokens or at the session cookie. */
export class Callers {
  readonly #options: CallersOptions
  readonly #adminTokenHash: () => Buffer | null
  readonly #known = new WeakMap<FastifyRequest, Promise<Caller | null>>()
  readonly sessionIdleMs: number
  readonly sessionMs: number

  constructor(options: CallersOptions) {
    const { adminTokenHash } = options
    this.#options = options
    this.#adminTokenHash = () => {
      const known = typeof adminTokenHash === 'function' ? adminTokenHash() : adminTokenHash
      if (known !== null && known.length !== 32) throw new RangeError('expected the SHA-256 of the administrator token, 32 bytes')
      return known
    }
    this.#adminTokenHash()
    this.sessionIdleMs = options.sessionIdleMs ?? sessionIdleMsDefault
    this.sessionMs = options.sessionMs ?? sessionMsDefault
  }

  /**
   * Who sent this request; null: nobody that we know. A bearer token counts before the cookie. A token that is wrong or expired throws 401; a cookie
   * that is, is nobody's. Throws as the database does while it cannot be said. Asked again, it is not looked up again.
   */
  of(request: FastifyRequest): Promise<Caller | null> {
    const known = this.#known.get(request)
    if (known !== undefined) return known
    const found = this.#find(request)
    this.#known.set(request, found)
    return found
  }

  /** As {@link of}, for a public route: while the primary is away a session is nobody's, and the route goes on. A token still throws. */
  async visitor(request: FastifyRequest): Promise<Caller | null> {
    try {
      return await this.of(request)
    } catch (error) {
      const isAway = error instanceof PrimaryUnavailableError || error instanceof RetryableDatabaseError
      if (isAway && bearerOf(request) === null) return null
      throw error
    }
  }

  /** As {@link of}, by the token alone: the cookie changes nothing. */
  async byToken(request: FastifyRequest): Promise<Caller | null> {
    return bearerOf(request) === null ? null : this.of(request)
  }

  /** Who sent this request; throws 401 for nobody. */
  async expected(request: FastifyRequest): Promise<Caller> {
    const caller = await this.of(request)
    if (caller === null) throw signInFirst()
    return caller
  }

  /** How far the permission reaches for this caller; null: not at all. */
  reach(caller: Pick<Caller, 'role' | 'scopes'> | null, permission: Permission): Reach | null {
    if (caller === null || caller.scopes?.includes(permission) === false) return null
    return reachOf(caller.role, permission)
  }

  /** What this caller may do. */
  permissions(caller: Pick<Caller, 'role' | 'scopes'>): Permission[] {
    return permissionNames.filter((permission) => this.reach(caller, permission) !== null)
  }

  /**
   * Whether this caller may make somebody a user of this role. A token gives nobody a permission that it lacks: whoever found one would else sign in as
   * the user that it made.
   */
  mayGive(caller: Pick<Caller, 'scopes'>, role: Role): boolean {
    return permissionsOf(role).every((permission) => caller.scopes?.includes(permission) !== false)
  }

  /** Whether the permission reaches this poll. */
  reaches(caller: Caller | null, permission: Permission, poll: Pick<Poll, 'ownerId'>): boolean {
    const reach = this.reach(caller, permission)
    return reach === 'all' || (reach === 'own' && poll.ownerId !== null && poll.ownerId === caller?.userId)
  }

  /**
   * The poll (as it is on the primary; null: there is none), if the permission reaches it. Throws otherwise: 404 where the caller could not even see
   * it, else 403.
   */
  reached(caller: Caller, permission: Permission, poll: Poll | null): Poll {
    if (poll === null) throw new ProblemError('poll-not-found')
    if (this.reaches(caller, permission, poll)) return poll
    if (poll.deletedAtMs !== null) throw new ProblemError('poll-deleted')
    if (poll.version.opensAtMs === null) throw new ProblemError('poll-not-found')
    throw new ProblemError('forbidden', { detail: 'this poll belongs to somebody else' })
  }

  /** Throws unless this request gets into a route of this access; of routes below `/v1/polls/:id`, into this poll's. */
  async admit(
    request: FastifyRequest,
    access: Exclude<Access, 'public'>,
    { apiTokens = true }: { apiTokens?: boolean } = {},
  ): Promise<void> {
    const caller = await this.of(request)
    if (caller === null) throw signInFirst()
    if (caller.via === 'token' && !apiTokens) throw new ProblemError('forbidden', { detail: withoutToken })
    if (access === 'signed-in') return
    if (access === 'session') {
      if (caller.via !== 'session') throw new ProblemError('forbidden', { detail: withoutToken })
      return
    }
    const reach = this.reach(caller, access)
    if (reach === null) throw new ProblemError('forbidden', { detail: `this needs the permission ${access}` })
    if (reach === 'own' && request.routeOptions.url?.startsWith('/v1/polls/:id') === true) {
      const id = parsePollId((request.params as { id: string }).id)
      // What is no id is for the validation to say.
      if (id !== null) this.reached(caller, access, await this.#options.polls.find(id))
    }
  }

  async #find(request: FastifyRequest): Promise<Caller | null> {
    const bearer = bearerOf(request)
    if (bearer !== null) return this.#byBearer(bearer)
    const sessionHash = this.#options.cookies.hashOf(request)
    return sessionHash === null ? null : this.#bySession(sessionHash)
  }

  async #byBearer(bearer: string): Promise<Caller> {
    const { people } = this.#options
    const adminTokenHash = this.#adminTokenHash()
    // The hashes are compared, in constant time: how long it takes says nothing about the token.
    if (adminTokenHash !== null && timingSafeEqual(hash('sha256', bearer, 'buffer'), adminTokenHash)) {
      const none = { userId: null, scopes: null, sessionHash: null, session: null, user: null }
      return { ...none, role: 'administrator', actor: administratorsToken, via: 'administrators-token' }
    }
    const found = apiTokenPattern.test(bearer) ? await people.tokens.find(secretHash(bearer)) : null
    if (found !== null) return this.#byToken(found)
    if (adminTokenHash === null) {
      throw new ProblemError('primary-unavailable', { detail: 'the administrator’s token cannot be checked: it is kept on the primary' })
    }
    throw unauthorized('this is no token of ours')
  }

  async #byToken({ token, user }: { token: ApiToken; user: User }): Promise<Caller> {
    const { clock, people } = this.#options
    const nowMs = clock.nowMs()
    if (token.expiresAtMs <= nowMs) throw unauthorized('this token has expired')
    if (token.lastUsedAtMs === null || nowMs - token.lastUsedAtMs >= touchEveryMs) await unlessAway(people.tokens.touch(token.id, nowMs))
    return {
      role: user.role,
      userId: user.id,
      actor: tokenActor(user.id, token.id),
      via: 'token',
      scopes: token.scopes,
      sessionHash: null,
      session: null,
      user,
    }
  }

  async #bySession(sessionHash: Buffer): Promise<Caller | null> {
    const { clock, people } = this.#options
    const found = await people.sessions.find(sessionHash)
    if (found === null) return null
    const { session, user } = found
    const nowMs = clock.nowMs()
    if (!this.isAlive(session, nowMs)) return null
    if (nowMs - session.lastSeenAtMs >= touchEveryMs) await unlessAway(people.sessions.touch(sessionHash, nowMs))
    return { role: user.role, userId: user.id, actor: userActor(user.id), via: 'session', scopes: null, sessionHash, session, user }
  }

  /** Neither too old nor idle for too long. */
  isAlive(session: Session, nowMs: number): boolean {
    return nowMs - session.lastSeenAtMs < this.sessionIdleMs && nowMs - session.createdAtMs < this.sessionMs
  }
}

/** The token of `Authorization: Bearer <token>`. Null: there is none; another scheme may be a proxy's own business. */
function bearerOf(request: FastifyRequest): string | null {
  const { authorization } = request.headers
  return authorization === undefined || !/^bearer(\s|$)/i.test(authorization) ? null : authorization.slice(6).trim()
}

/** When somebody was last seen is not worth a refusal. */
async function unlessAway(touched: Promise<void>): Promise<void> {
  try {
    await touched
  } catch (error) {
    if (!(error instanceof RetryableDatabaseError || error instanceof PrimaryUnavailableError)) throw error
  }
}

function unauthorized(detail: string): ProblemError {
  return new ProblemError('unauthorized', { detail, headers: { 'www-authenticate': 'Bearer' } })
}

/** What nobody is told. */
export function signInFirst(): ProblemError {
  return unauthorized('expected a session, or the header authorization: Bearer <token>')
}

function isAccess(access: unknown): access is Access {
  return access === 'public' || access === 'signed-in' || access === 'session' || (typeof access === 'string' && isPermission(access))
}

export interface DeclaredRoute {
  readonly method: string
  /** As Fastify writes it: `/v1/polls/:id`. */
  readonly url: string
  readonly access: Access
  /** Whether API tokens get in, if what they may do allows it. */
  readonly apiTokens: boolean
}

/** Sees to it that every route of a server says who gets in. */
export class DeclaredAccess {
  readonly routes: DeclaredRoute[] = []
  #publicRegistrations = 0

  /** Before any route is registered. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', (route: RouteOptions) => {
      if (this.#publicRegistrations > 0) route.config = { ...route.config, access: 'public' }
      if (!isAccess(route.config?.access))
        throw new Error(`${route.method} ${route.url} does not say who gets in: config.access is missing`)
      const { access, apiTokens } = route.config
      for (const method of [route.method].flat()) {
        this.routes.push({ method, url: route.url, access, apiTokens: access !== 'session' && apiTokens !== false })
      }
    })
  }

  /** Routes that a plugin registers meanwhile are everybody's: files, documentation. */
  async allPublic<Value>(register: () => Promise<Value>): Promise<Value> {
    this.#publicRegistrations++
    try {
      return await register()
    } finally {
      this.#publicRegistrations--
    }
  }
}

/** The one hook that lets requests into routes. A stranger gets 401 before anything of the request is read or judged. */
export function accessHook(callers: Callers): (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void {
  return (request, _reply, done) => {
    const { access, apiTokens } = request.routeOptions.config
    if (access === 'public' || request.is404) return done()
    if (access === undefined) return done(new Error('a route without access'))
    callers.admit(request, access, { apiTokens: apiTokens !== false }).then(() => done(), done)
  }
}
