import type { VoterPlaces } from '../ports/voter-places.ts'

const votersMaxDefault = 200_000

/** Places that this process alone knows. Holds one hour, and at most `votersMax` voters: of more, the address that was counted longest ago is forgotten. */
export class PlacesInMemory implements VoterPlaces {
  readonly #addresses = new Map<string, Map<string, number>>()
  readonly #votersMax: number
  #voters = 0
  #hour = Number.NEGATIVE_INFINITY

  constructor(options: { votersMax?: number } = {}) {
    this.#votersMax = options.votersMax ?? votersMaxDefault
  }

  /** How many voters are held. */
  get size(): number {
    return this.#voters
  }

  async placeOf(voter: { address: string; hour: number; mark: string }, placeMax: number): Promise<number> {
    this.#forgetOtherHours(voter.hour)
    const places = this.#addresses.get(voter.address) ?? new Map<string, number>()
    const known = places.get(voter.mark)
    if (known !== undefined) return known
    const place = places.size
    if (place >= placeMax) return placeMax
    // Counted last: it is forgotten last.
    this.#addresses.delete(voter.address)
    while (this.#voters >= this.#votersMax) this.#forgetOldest()
    places.set(voter.mark, place)
    this.#addresses.set(voter.address, places)
    this.#voters++
    return place
  }

  #forgetOtherHours(hour: number): void {
    // A clock that goes back a little must not free everybody.
    if (hour <= this.#hour) return
    this.#hour = hour
    this.#addresses.clear()
    this.#voters = 0
  }

  #forgetOldest(): void {
    const [oldest] = this.#addresses
    if (oldest === undefined) {
      this.#voters = 0
      return
    }
    this.#addresses.delete(oldest[0])
    this.#voters -= oldest[1].size
  }
}
