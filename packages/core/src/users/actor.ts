/** Who changes something. `name` is what the audit trail keeps: no person's name, so that it can outlive them. */
export interface Actor {
  /** Null: not a user of the directory. */
  readonly userId: number | null
  /** `user 7`, `token 4f2a… of user 7`, `administrator's token`, `command line`. */
  readonly name: string
}

export const commandLine: Actor = { userId: null, name: 'command line' }
export const administratorsToken: Actor = { userId: null, name: "administrator's token" }

export function userActor(userId: number): Actor {
  return { userId, name: `user ${userId}` }
}

export function tokenActor(userId: number, tokenId: string): Actor {
  return { userId, name: `token ${tokenId} of user ${userId}` }
}
