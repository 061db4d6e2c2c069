import {
  addressHashes,
  type Challenge,
  type Clock,
  difficultyAt,
  difficultyUnit,
  hardestPlace,
  type Identity,
  type IdGenerator,
  type MasterKey,
  makeChallenge,
  type PollId,
  type VoterPlaces,
} from '@urna/core'

export const guardedFreeVotesDefault = 50
const hourMs = 3_600_000

export interface WorkChallengesOptions {
  readonly masterKey: MasterKey
  readonly clock: Clock
  readonly ids: IdGenerator
  readonly voterPlaces: VoterPlaces
  readonly guardedFreeVotes?: number
  readonly workUnit?: number
}

/**
 * Gives out the challenges of guarded polls. Voters are counted here and not where ballots come in: who asks for a challenge has a place, and the
 * ballot route only checks a signature. Nothing that is kept names an address or a voter.
 */
export class WorkChallenges {
  readonly #options: WorkChallengesOptions
  readonly #scale: { free: number; unit: number }
  readonly #hashOf: (address: string) => string

  constructor(options: WorkChallengesOptions) {
    this.#options = options
    this.#scale = { free: options.guardedFreeVotes ?? guardedFreeVotesDefault, unit: options.workUnit ?? difficultyUnit }
    this.#hashOf = addressHashes(options.masterKey, options.clock)
  }

  async make(pollId: PollId, identity: Identity, address: string): Promise<Challenge> {
    const { clock, masterKey, voterPlaces } = this.#options
    const nowMs = clock.nowMs()
    const mark = masterKey.challengeHmac(identity).subarray(0, 16).toString('base64url')
    const voter = { address: this.#hashOf(address), hour: Math.floor(nowMs / hourMs), mark }
    const maxNumber = difficultyAt(await voterPlaces.placeOf(voter, hardestPlace(this.#scale)), this.#scale)
    return makeChallenge(this.#options, { pollId, identity, maxNumber, nowMs })
  }
}
