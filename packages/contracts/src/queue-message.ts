/**
 * The entry that travels from the api to the consumers: one flush of the intake, up to 512 ballots of any polls.
 *
 * Wire form, JSON in UTF-8:
 *
 *     {"v":1,"e":3,"b":[["1h7qk3v9m2x4c6d8",2,"q83vEjRWeJCrze8SNFZ4kA",["2","1,3",""]], ...]}
 *
 * `v` format, `e` epoch of the queue (written at sending, never derived at reading), `b` the ballots: poll id, poll version the
 * ballot was validated by, voter key (16 bytes, base64url), and one canonical answer a question, "" where blank.
 * The answers are user input, so they stand in JSON strings; nothing here is split at separators.
 */

export interface BallotMessage {
  pollId: string
  pollVersion: number
  /** 16 bytes. */
  voterKey: Uint8Array
  /** One canonical text a question, in the poll's order. */
  answers: readonly string[]
}

/** One ballot of an entry that could not be read. It never hides its neighbours. */
export interface MalformedBallot {
  malformed: string
}

export interface BallotEntry {
  epoch: number
  ballots: (BallotMessage | MalformedBallot)[]
}

const formatVersion = 1

/** Text of one ballot inside an entry. The intake encodes ballots as they come, so that it can cut a flush by bytes. */
export function encodeBallot(ballot: BallotMessage): string {
  const voterKey = Buffer.from(ballot.voterKey.buffer, ballot.voterKey.byteOffset, ballot.voterKey.byteLength).toString('base64url')
  return `["${ballot.pollId}",${ballot.pollVersion},"${voterKey}",${JSON.stringify(ballot.answers)}]`
}

/** Puts encoded ballots (see {@link encodeBallot}) into one entry. */
export function encodeEntry(epoch: number, encodedBallots: readonly string[]): string {
  return `{"v":${formatVersion},"e":${epoch},"b":[${encodedBallots.join(',')}]}`
}

/** Reads an entry. Throws only if the entry as a whole is not one; a ballot that is not one comes back as malformed, in its place. */
export function decodeEntry(body: Uint8Array | string): BallotEntry {
  const text = typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  const entry: unknown = JSON.parse(text)
  if (!isRecord(entry) || entry.v !== formatVersion || !isCount(entry.e) || !Array.isArray(entry.b)) {
    throw new Error(`expected a ballot entry of format ${formatVersion}`)
  }
  return { epoch: entry.e, ballots: entry.b.map(decodeBallot) }
}

function decodeBallot(fields: unknown): BallotMessage | MalformedBallot {
  if (!Array.isArray(fields) || fields.length !== 4) return { malformed: 'expected four fields' }
  const [pollId, pollVersion, voterKeyText, answers] = fields as unknown[]
  if (typeof pollId !== 'string' || !/^[0-9a-hjkmnp-tv-z]{16}$/.test(pollId)) return { malformed: 'expected a poll id' }
  if (!isCount(pollVersion)) return { malformed: 'expected a poll version' }
  if (typeof voterKeyText !== 'string') return { malformed: 'expected a voter key' }
  const voterKey = Buffer.from(voterKeyText, 'base64url')
  if (voterKey.length !== 16) return { malformed: 'expected a voter key of 16 bytes' }
  if (!Array.isArray(answers) || !answers.every((answer) => typeof answer === 'string')) return { malformed: 'expected answers as texts' }
  return { pollId, pollVersion, voterKey, answers }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 0xffff_ffff
}
