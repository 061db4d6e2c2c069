/**
 * Counts the voters who come from an address in an hour, for the proof of work of guarded polls. Guarantees: the same voter again is not counted
 * again, and has the same place, as long as nothing is forgotten; it takes a bounded amount of memory, and what is over that is forgotten, so that a
 * place can only come out too small. Never rejects.
 */
export interface VoterPlaces {
  /** How many others of this address and hour came before, at most `placeMax`: whoever comes after that is not told from others any more. */
  placeOf(voter: { address: string; hour: number; mark: string }, placeMax: number): Promise<number>
}
